import * as k8s from "cdk8s-plus-28/lib/imports/k8s.js";
import type { Construct } from "constructs";
import { SUITE_LABELS } from "../model/labels.ts";
import { runnerEnvironment } from "../model/runner-environment.ts";
import type { Settings } from "../settings/schema.ts";

/** The ConfigMap that every runner pod reads its environment from. */
export function addConfig(scope: Construct, settings: Settings): void {
  new k8s.KubeConfigMap(scope, "config", {
    metadata: { name: settings.configMapName, namespace: settings.namespace, labels: SUITE_LABELS },
    data: runnerEnvironment(settings) as Record<string, string>,
  });
}
