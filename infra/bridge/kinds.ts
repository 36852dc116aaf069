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
import type { Manifest } from "../manifest.ts";
import { describeObject } from "./adopt.ts";

/** Registers one object under a logical name. */
export type MakeResource = (name: string, options: CustomResourceOptions) => CustomResource;

/**
 * Every kind that a chart may hold. Typed classes, since their type tokens are those of hand-written Pulumi, so that
 * policies and `pulumi import` know them. Deep imports: the package's root loads every API group there is. `Secret`
 * is absent on purpose: secret values never pass through a chart, see secrets.ts.
 */
const KINDS: Readonly<Record<string, (object: Manifest) => MakeResource>> = {
  "v1/Namespace": typed(Namespace),
  "v1/ServiceAccount": typed(ServiceAccount),
  "v1/ConfigMap": typed(ConfigMap),
  "rbac.authorization.k8s.io/v1/Role": typed(Role),
  "rbac.authorization.k8s.io/v1/RoleBinding": typed(RoleBinding),
  "networking.k8s.io/v1/NetworkPolicy": typed(NetworkPolicy),
  "batch/v1/Job": typed(Job),
  "batch/v1/CronJob": typed(CronJob),
  "apps/v1/Deployment": typed(Deployment),
  "external-secrets.io/v1/ExternalSecret": typed(ForeignObject),
};

/** `apiVersion/kind` of everything that the bridge can register. */
export const KNOWN_KINDS: readonly string[] = Object.keys(KINDS);

/** How to register a chart's object; an unknown kind is an error, never an untyped resource. */
export function makerOf(object: Manifest): MakeResource {
  const key = `${object.apiVersion}/${object.kind}`;
  const maker = KINDS[key];
  if (maker === undefined)
    throw new Error(
      `${describeObject(object)}: the bridge has no class for ${key}; ` +
        `add it to KINDS in infra/bridge/kinds.ts and to PHASES in infra/bridge/options-for.ts`,
    );
  return maker(object);
}

function typed<Args>(
  Kind: new (name: string, args: Args, options?: CustomResourceOptions) => CustomResource,
): (object: Manifest) => MakeResource {
  // the objects come from typed constructs, whose types are the same API's; program.test.ts compares every field
  return (object) => (name, options) => new Kind(name, object as unknown as Args, options);
}
