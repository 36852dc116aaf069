import * as k8s from "cdk8s-plus-28/lib/imports/k8s.js";
import type { Construct } from "constructs";
import { JOBS, objectNameOf } from "../model/jobs.ts";
import { COMPONENT_LABEL, componentLabels, NAME_LABEL, SUITE_LABELS } from "../model/labels.ts";
import type { Exit, Provision } from "../model/need.ts";
import { NEEDS, provisionsOf } from "../model/needs.ts";
import type { Settings } from "../settings/schema.ts";

/**
 * Where pods may resolve names: the DNS of the cluster, and this address, at which NodeLocal DNSCache runs on each
 * node.
 */
const NAME_SERVERS: k8s.NetworkPolicyPeer[] = [
  { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } } },
  { ipBlock: { cidr: "169.254.20.10/32" } },
];

const port = (number: number, protocol = "TCP"): k8s.NetworkPolicyPort => ({
  port: k8s.IntOrString.fromNumber(number),
  protocol,
});

const rulesOf = (exits: readonly Exit[]): k8s.NetworkPolicyEgressRule[] =>
  exits.map(({ block, ports }) => ({ to: [{ ipBlock: block }], ports: ports.map((each) => port(each)) }));

/** The exits of the shared policy; with `isOwn` those of the policies of single jobs. */
const exitsOf = (provisions: readonly Provision[], settings: Settings, isOwn: boolean): readonly Exit[] =>
  provisions
    .filter(({ isOwnPolicy = false }) => isOwnPolicy === isOwn)
    .flatMap(({ exits }) => exits?.(settings) ?? []);

/**
 * Pods of the suite accept no connection, and may connect only to what their needs name. All pods that need a shared
 * exit (database, exchange) have one policy together, with DNS and all shared exits. For a need with policies of its
 * own, each job with this need has one more. A policy denies what it does not name: IPv6 is closed unless the settings
 * name IPv6 blocks.
 */
export function addNetworkPolicies(scope: Construct, settings: Settings): void {
  const jobs = JOBS.map((job) => ({ ...job, provisions: provisionsOf(job.needs) }));
  const apart = jobs.filter(({ provisions }) => exitsOf(provisions, settings, false).length === 0);
  new k8s.KubeNetworkPolicy(scope, "network", {
    metadata: { name: "r3a-runner", namespace: settings.namespace, labels: SUITE_LABELS },
    spec: {
      podSelector: {
        matchLabels: { [NAME_LABEL]: SUITE_LABELS[NAME_LABEL] },
        matchExpressions: [
          { key: COMPONENT_LABEL, operator: "NotIn", values: apart.map(({ name }) => name) },
        ],
      },
      policyTypes: ["Ingress", "Egress"],
      egress: [
        { to: NAME_SERVERS, ports: [port(53, "UDP"), port(53)] },
        ...rulesOf(exitsOf(Object.values(NEEDS), settings, false)),
      ],
    },
  });
  for (const { name, provisions } of jobs) {
    const own = exitsOf(provisions, settings, true);
    if (own.length === 0) continue;
    const labels = componentLabels(name);
    new k8s.KubeNetworkPolicy(scope, `${name}-network`, {
      metadata: { name: objectNameOf(name), namespace: settings.namespace, labels },
      spec: {
        podSelector: { matchLabels: labels },
        policyTypes: ["Ingress", "Egress"],
        egress: rulesOf(own),
      },
    });
  }
}
