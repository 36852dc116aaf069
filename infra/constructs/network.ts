import * as k8s from "cdk8s-plus-28/lib/imports/k8s.js";
import type { Construct } from "constructs";
import { JOBS, objectNameOf, SCHEMA_JOB } from "../model/jobs.ts";
import { COMPONENT_LABEL, NAME_LABEL, SUITE_LABELS } from "../model/labels.ts";
import { NEEDS } from "../model/needs.ts";
import type { Settings } from "../settings/schema.ts";

const port = (number: number, protocol = "TCP"): k8s.NetworkPolicyPort => ({
  port: k8s.IntOrString.fromNumber(number),
  protocol,
});

/** The DNS of the cluster, and the address at which NodeLocal DNSCache runs on each node. */
const DNS: k8s.NetworkPolicyEgressRule = {
  to: [
    { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } } },
    { ipBlock: { cidr: "169.254.20.10/32" } },
  ],
  ports: [port(53, "UDP"), port(53)],
};

/**
 * Pods of the suite accept no connection, and may connect only to what their needs name: one policy denies everything
 * to all of them, and each need with exits has a policy that opens these exits to the pods with this need. The policies
 * select the pods by the names of their jobs: a label for each need would be missing on a pod that started before the
 * update. A policy denies what it does not name: IPv6 is closed unless the settings name IPv6 blocks.
 */
export function addNetworkPolicies(scope: Construct, settings: Settings): void {
  const matchLabels = { [NAME_LABEL]: SUITE_LABELS[NAME_LABEL] };
  const addPolicy = (name: string, spec: k8s.NetworkPolicySpec) =>
    new k8s.KubeNetworkPolicy(scope, `${name}-network`, {
      metadata: { name: objectNameOf(name), namespace: settings.namespace, labels: SUITE_LABELS },
      spec: { ...spec, policyTypes: ["Ingress", "Egress"] },
    });
  addPolicy("runner", { podSelector: { matchLabels } });
  for (const [need, { exits, asksDns }] of Object.entries(NEEDS)) {
    if (exits === undefined) continue;
    const values = [...JOBS, SCHEMA_JOB]
      .filter(({ needs }) => needs.some((each) => each === need))
      .map(({ name }) => name);
    const open = exits(settings).map(({ block, ports }) => ({
      to: [{ ipBlock: block }],
      ports: ports.map((each) => port(each)),
    }));
    addPolicy(need, {
      podSelector: { matchLabels, matchExpressions: [{ key: COMPONENT_LABEL, operator: "In", values }] },
      egress: [...(asksDns ? [DNS] : []), ...open],
    });
  }
}
