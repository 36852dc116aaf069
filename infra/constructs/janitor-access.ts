import { JANITOR, JANITOR_ACCOUNT, JANITOR_COMPONENT } from "@r3a/runner/contract/names";
import { type ClusterRight, JANITOR_RIGHTS } from "@r3a/runner/contract/rights";
import * as k8s from "cdk8s-plus-28/lib/imports/k8s.js";
import { Construct } from "constructs";
import { componentLabels } from "../model/labels.ts";

/** Where the janitor runs and where it cleans. */
export type JanitorAccessProps = {
  /** Namespace of the janitor's pod and account. */
  readonly namespace: string;
  /** Namespace that the janitor cleans: the Role and its binding stand there. By default the same. */
  readonly targetNamespace: string;
};

/** A rule for each kind of object, with all verbs that the janitor uses on objects of this kind. */
function renderRules(): k8s.PolicyRule[] {
  const rights: readonly ClusterRight[] = Object.values(JANITOR_RIGHTS).flat();
  const nameOf = ({ resource, subresource }: ClusterRight) =>
    subresource === undefined ? resource : `${resource}/${subresource}`;
  const byKind = Map.groupBy(rights, (right) => `${right.group} ${nameOf(right)}`);
  return [...byKind.values()].map((ofKind) => ({
    apiGroups: ofKind.slice(0, 1).map(({ group }) => group),
    resources: ofKind.slice(0, 1).map(nameOf),
    verbs: ofKind.map(({ verb }) => verb),
  }));
}

/**
 * The janitor's account and its only rights, in one namespace: no secrets, no logs, nothing cluster-wide, and no `get`,
 * because the program reads lists only.
 */
export class JanitorAccess extends Construct {
  constructor(scope: Construct, id: string, { namespace, targetNamespace }: JanitorAccessProps) {
    super(scope, id);
    const labels = componentLabels(JANITOR_COMPONENT);
    const target = { name: JANITOR, namespace: targetNamespace, labels };
    new k8s.KubeServiceAccount(this, "service-account", {
      metadata: { name: JANITOR_ACCOUNT, namespace, labels },
      automountServiceAccountToken: false,
    });
    new k8s.KubeRole(this, "role", { metadata: target, rules: renderRules() });
    new k8s.KubeRoleBinding(this, "role-binding", {
      metadata: target,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: JANITOR },
      // without the namespace the binding would name an account in `default` and grant nothing
      subjects: [{ kind: "ServiceAccount", name: JANITOR_ACCOUNT, namespace }],
    });
  }
}
