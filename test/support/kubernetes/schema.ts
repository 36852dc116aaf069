import * as models from "@kubernetes/client-node/dist/gen/models/ObjectSerializer.js";
import { Deployment } from "kubernetes-models/apps/v1/Deployment";
import { CronJob } from "kubernetes-models/batch/v1/CronJob";
import { Job } from "kubernetes-models/batch/v1/Job";
import { NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1/NetworkPolicy";
import { Role } from "kubernetes-models/rbac.authorization.k8s.io/v1/Role";
import { RoleBinding } from "kubernetes-models/rbac.authorization.k8s.io/v1/RoleBinding";
import { PriorityClass } from "kubernetes-models/scheduling.k8s.io/v1/PriorityClass";
import { ConfigMap } from "kubernetes-models/v1/ConfigMap";
import { Namespace } from "kubernetes-models/v1/Namespace";
import { PersistentVolumeClaim } from "kubernetes-models/v1/PersistentVolumeClaim";
import { Pod } from "kubernetes-models/v1/Pod";
import { Secret } from "kubernetes-models/v1/Secret";
import { Service } from "kubernetes-models/v1/Service";
import { ServiceAccount } from "kubernetes-models/v1/ServiceAccount";
import type { Manifest } from "../../../infra/manifest.ts";
import { faultsIn28 } from "./schema-28.ts";

/** kubernetes-models 5.1.0 and client-node 2.0.1 know the fields of 1.36. */
export const SCHEMA_VERSIONS = ["1.28", "1.36"] as const;
export type SchemaVersion = (typeof SCHEMA_VERSIONS)[number];

type Checked = { validate(): void };
const KINDS: Readonly<Record<string, new (data: never) => Checked>> = {
  "apps/v1 Deployment": Deployment,
  "batch/v1 CronJob": CronJob,
  "batch/v1 Job": Job,
  "networking.k8s.io/v1 NetworkPolicy": NetworkPolicy,
  "rbac.authorization.k8s.io/v1 Role": Role,
  "rbac.authorization.k8s.io/v1 RoleBinding": RoleBinding,
  "scheduling.k8s.io/v1 PriorityClass": PriorityClass,
  "v1 ConfigMap": ConfigMap,
  "v1 Namespace": Namespace,
  "v1 PersistentVolumeClaim": PersistentVolumeClaim,
  "v1 Pod": Pod,
  "v1 Secret": Secret,
  "v1 Service": Service,
  "v1 ServiceAccount": ServiceAccount,
};

type Attribute = { readonly baseName: string; readonly type: string };
type Model = { getAttributeTypeMap(): readonly Attribute[] };

/** The model of a type of client-node, null for texts, numbers, dates and what is free. */
function modelOf(type: string): Model | null {
  const model: unknown = (models as Readonly<Record<string, unknown>>)[type];
  return typeof model === "function" && "getAttributeTypeMap" in model ? (model as unknown as Model) : null;
}

/** Keys that a type does not have, at any depth: the validators of kubernetes-models let them pass. */
function unknownKeys(value: unknown, type: string, path: string): string[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) {
    const inner = /^Array<(.+)>$/.exec(type)?.[1] ?? "any";
    return value.flatMap((one, index) => unknownKeys(one, inner, `${path}[${index}]`));
  }
  const ofMap = /^\{ \[key: string\]: (.+); \}$/.exec(type)?.[1];
  const model = modelOf(type);
  return Object.entries(value).flatMap(([key, one]) => {
    const inner =
      ofMap ?? model?.getAttributeTypeMap().find(({ baseName }) => baseName === key)?.type ?? null;
    if (inner !== null) return unknownKeys(one, inner, `${path}.${key}`);
    return model === null ? [] : [`${path}.${key} is unknown`];
  });
}

function faultsInNewest(object: Manifest): readonly string[] {
  const known = KINDS[`${object.apiVersion} ${object.kind}`];
  const version = object.apiVersion.split("/").at(-1) ?? "";
  const type = `${version.charAt(0).toUpperCase()}${version.slice(1)}${object.kind}`;
  if (known === undefined || modelOf(type) === null) {
    return [`no schema for ${object.apiVersion} ${object.kind}; add it to test/support/kubernetes/schema.ts`];
  }
  const unknown = unknownKeys(object, type, object.kind);
  try {
    new known(object as never).validate();
    return unknown;
  } catch (error) {
    return [...unknown, error instanceof Error ? error.message : String(error)];
  }
}

/** A field that must be a text is "text"; a list or object holds its parts; `?` at the end of a key: may be absent. */
type Shape = "text" | readonly [Shape] | { readonly [key: string]: Shape };

/** What is used of an ExternalSecret (external-secrets.io/v1); its schema is in no package of npm. */
const EXTERNAL_SECRET: Shape = {
  apiVersion: "text",
  kind: "text",
  metadata: { name: "text", namespace: "text", "labels?": {}, "annotations?": {} },
  spec: {
    refreshInterval: "text",
    secretStoreRef: { name: "text", kind: "text" },
    target: { name: "text", "creationPolicy?": "text", "template?": { "type?": "text" } },
    data: [{ secretKey: "text", remoteRef: { key: "text", "property?": "text" } }],
  },
};

function faultsOfShape(value: unknown, shape: Shape, path: string): string[] {
  if (shape === "text") return typeof value === "string" ? [] : [`${path} must be a text`];
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) return [`${path} must be a list`];
    return value.flatMap((one, index) => faultsOfShape(one, shape[0], `${path}[${index}]`));
  }
  if (typeof value !== "object" || value === null) return [`${path} must be an object`];
  const parts = Object.entries(shape);
  // labels and annotations: any key, texts only
  const isFree = parts.length === 0;
  const names = parts.map(([key]) => key.replace("?", ""));
  return [
    ...parts.flatMap(([key, part]) => {
      const inner: unknown = (value as Readonly<Record<string, unknown>>)[key.replace("?", "")];
      if (inner !== undefined) return faultsOfShape(inner, part, `${path}.${key.replace("?", "")}`);
      return key.endsWith("?") ? [] : [`${path}.${key} is required`];
    }),
    ...Object.entries(value).flatMap(([key, one]) => {
      if (isFree) return faultsOfShape(one, "text", `${path}.${key}`);
      return names.includes(key) ? [] : [`${path}.${key} is unknown`];
    }),
  ];
}

/** What a Kubernetes of this version would not take of an object, strictly: unknown fields count as well. */
export function schemaFaults(object: Manifest, version: SchemaVersion): readonly string[] {
  if (object.apiVersion === "external-secrets.io/v1" && object.kind === "ExternalSecret") {
    return faultsOfShape(object, EXTERNAL_SECRET, object.kind);
  }
  return version === "1.28" ? faultsIn28(object) : faultsInNewest(object);
}
