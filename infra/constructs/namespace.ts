import * as k8s from "cdk8s-plus-28/lib/imports/k8s.js";
import type { Construct } from "constructs";
import { SUITE_LABELS } from "../model/labels.ts";
import type { Settings } from "../settings/schema.ts";

/** The namespace; its admission refuses every pod that is not `restricted`. */
export function addNamespace(scope: Construct, settings: Settings): void {
  const modes = ["enforce", "audit", "warn"].map((mode) => [
    `pod-security.kubernetes.io/${mode}`,
    "restricted",
  ]);
  new k8s.KubeNamespace(scope, "namespace", {
    metadata: { name: settings.namespace, labels: { ...SUITE_LABELS, ...Object.fromEntries(modes) } },
  });
}

/** The jobs' account: no role refers to it and no pod mounts its token. */
export function addServiceAccount(scope: Construct, settings: Settings): void {
  new k8s.KubeServiceAccount(scope, "service-account", {
    metadata: { name: settings.serviceAccountName, namespace: settings.namespace, labels: SUITE_LABELS },
    automountServiceAccountToken: false,
    ...(settings.pullSecretName === "" ? {} : { imagePullSecrets: [{ name: settings.pullSecretName }] }),
  });
}
