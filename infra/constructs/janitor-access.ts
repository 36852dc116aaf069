import * as k8s from "cdk8s-plus-28/lib/imports/k8s.js";
import { Construct } from "constructs";
import { componentLabels } from "../labels.ts";
import type { Settings } from "../settings/schema.ts";

/** The janitor's account; its pod alone has a token. */
export const JANITOR_ACCOUNT = "r3a-janitor-sa";
const ROLE = "r3a-maint-janitor";

/** What the janitor cleans: its own namespace, unless another one is named. */
export function janitorNamespaceOf({ janitorTargetNamespace, namespace }: Settings): string {
  return janitorTargetNamespace === "" ? namespace : janitorTargetNamespace;
}

/**
 * The janitor's account and its only rights: look at pods and their owners in one namespace, mark a pod that can never
 * start (pods/status), delete pods and Jobs, write Events. No secrets, no logs, nothing cluster-wide.
 */
const RULES: k8s.PolicyRule[] = [
  { apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "delete"] },
  { apiGroups: [""], resources: ["pods/status"], verbs: ["patch"] },
  { apiGroups: ["batch"], resources: ["jobs"], verbs: ["get", "list", "delete"] },
  { apiGroups: ["batch"], resources: ["cronjobs"], verbs: ["get", "list"] },
  { apiGroups: [""], resources: ["events"], verbs: ["create"] },
];

export class JanitorAccess extends Construct {
  constructor(scope: Construct, settings: Settings) {
    super(scope, "janitor-access");
    const labels = componentLabels("maint-janitor");
    const target = { name: ROLE, namespace: janitorNamespaceOf(settings), labels };
    new k8s.KubeServiceAccount(this, "service-account", {
      metadata: { name: JANITOR_ACCOUNT, namespace: settings.namespace, labels },
      automountServiceAccountToken: false,
    });
    new k8s.KubeRole(this, "role", { metadata: target, rules: RULES });
    new k8s.KubeRoleBinding(this, "role-binding", {
      metadata: target,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: ROLE },
      // the namespace is named: without it the binding would be to an account in `default` and grant nothing
      subjects: [{ kind: "ServiceAccount", name: JANITOR_ACCOUNT, namespace: settings.namespace }],
    });
  }
}
