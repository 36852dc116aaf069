import { CustomResource as ForeignObject } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { CronJob } from "@pulumi/kubernetes/batch/v1/cronJob.js";
import { Job } from "@pulumi/kubernetes/batch/v1/job.js";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import { Role } from "@pulumi/kubernetes/rbac/v1/role.js";
import { RoleBinding } from "@pulumi/kubernetes/rbac/v1/roleBinding.js";
import type { CustomResource, CustomResourceOptions } from "@pulumi/pulumi";
import { describeObject, type Manifest } from "../manifest.ts";
import type { ObjectHeader } from "./adopt.ts";

/** Registers one object under a logical name. */
export type MakeResource = (name: string, options: CustomResourceOptions) => CustomResource;

/** What an `up` does with a kind of object. */
type Kind = {
  /** Objects wait for all of an earlier phase, and are deleted before them. */
  readonly phase: number;
  /** Absent: no chart may hold an object of this kind. */
  readonly make?: (object: Manifest) => MakeResource;
};

/**
 * Every kind of object, in the order of an `up`. Workloads come after the schema Job, which `up` waits for: where it
 * fails, the CronJobs stay as they were. RoleBindings come after Roles, since the API server checks a role that is
 * bound.
 *
 * The classes are typed: their type tokens are those of hand-written Pulumi, so that policies and `pulumi import` know
 * them. The imports are deep, because the root of the package loads every API group. A Secret has no class here: its
 * values never pass through a chart, see secrets.ts.
 */
const KINDS: Readonly<Record<string, Kind>> = {
  "v1/Namespace": { phase: 0, make: typed(Namespace) },
  "v1/ServiceAccount": { phase: 1, make: typed(ServiceAccount) },
  "v1/ConfigMap": { phase: 1, make: typed(ConfigMap) },
  "v1/Secret": { phase: 1 },
  "external-secrets.io/v1/ExternalSecret": { phase: 1, make: typed(ForeignObject) },
  "rbac.authorization.k8s.io/v1/Role": { phase: 2, make: typed(Role) },
  "networking.k8s.io/v1/NetworkPolicy": { phase: 2, make: typed(NetworkPolicy) },
  "rbac.authorization.k8s.io/v1/RoleBinding": { phase: 3, make: typed(RoleBinding) },
  "batch/v1/Job": { phase: 4, make: typed(Job) },
  "batch/v1/CronJob": { phase: 5, make: typed(CronJob) },
  "apps/v1/Deployment": { phase: 5, make: typed(Deployment) },
};

/** How to register a chart's object; an unknown kind is an error, never an untyped resource. */
export function makerOf(object: Manifest): MakeResource {
  const { make } = kindOf(object);
  if (make === undefined)
    throw new Error(
      `${describeObject(object)}: no chart may hold a ${object.kind}; see infra/bridge/secrets.ts`,
    );
  return make(object);
}

/** The place of an object in the order of an `up`. */
export function phaseOf(object: ObjectHeader): number {
  return kindOf(object).phase;
}

function kindOf(object: ObjectHeader): Kind {
  const key = `${object.apiVersion}/${object.kind}`;
  const kind = KINDS[key];
  if (kind === undefined)
    throw new Error(
      `${describeObject(object)}: the bridge does not know ${key}; add it to KINDS in infra/bridge/kinds.ts`,
    );
  return kind;
}

function typed<Args>(
  Kind: new (name: string, args: Args, options?: CustomResourceOptions) => CustomResource,
): (object: Manifest) => MakeResource {
  // the objects come from typed constructs of the same API; program.test.ts compares every field
  return (object) => (name, options) => new Kind(name, object as unknown as Args, options);
}
