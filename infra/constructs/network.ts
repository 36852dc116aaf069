import * as k8s from "cdk8s-plus-28/lib/imports/k8s.js";
import type { Construct } from "constructs";
import { componentLabels, SUITE_LABELS } from "../model/labels.ts";
import type { Settings } from "../settings/schema.ts";

/** Private, link-local (cloud metadata), shared, loopback and reserved ranges: never an exchange. */
const NOT_PUBLIC = {
  "0.0.0.0/0": [
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "240.0.0.0/4",
  ],
  "::/0": ["::1/128", "::ffff:0:0/96", "fc00::/7", "fe80::/10", "ff00::/8"],
} as const;

/** Where pods may ask for names: the cluster's DNS, and the cache that NodeLocal DNSCache runs at this address of each node. */
const NAME_SERVERS: k8s.NetworkPolicyPeer[] = [
  { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } } },
  { ipBlock: { cidr: "169.254.20.10/32" } },
];

function exchangeBlock(cidr: string): k8s.IpBlock {
  const isAll = cidr.endsWith("/0");
  if (!isAll) return { cidr };
  return { cidr, except: [...NOT_PUBLIC[cidr.includes(":") ? "::/0" : "0.0.0.0/0"]] };
}

/**
 * Pods of ours accept nothing and reach DNS, the database and the exchange; the janitor's reach the API server alone. A
 * policy denies what it does not name: IPv6 is closed unless the settings name IPv6 blocks.
 */
export function addNetworkPolicy(scope: Construct, settings: Settings): void {
  const port = (number: number, protocol = "TCP"): k8s.NetworkPolicyPort => ({
    port: k8s.IntOrString.fromNumber(number),
    protocol,
  });
  const janitor = componentLabels("maint-janitor");
  const exchange = new URL(settings.exchangeUrl);
  const exchangePort = Number(exchange.port) || (exchange.protocol === "http:" ? 80 : 443);
  new k8s.KubeNetworkPolicy(scope, "network", {
    metadata: { name: "r3a-runner", namespace: settings.namespace, labels: SUITE_LABELS },
    spec: {
      podSelector: {
        matchLabels: { "app.kubernetes.io/name": SUITE_LABELS["app.kubernetes.io/name"] },
        matchExpressions: [
          { key: "app.kubernetes.io/component", operator: "NotIn", values: ["maint-janitor"] },
        ],
      },
      policyTypes: ["Ingress", "Egress"],
      egress: [
        { to: NAME_SERVERS, ports: [port(53, "UDP"), port(53)] },
        { to: [{ ipBlock: { cidr: settings.databaseCidr } }], ports: [port(settings.databasePort)] },
        {
          to: [{ ipBlock: exchangeBlock(settings.exchangeCidr) }],
          ports: [port(exchangePort)],
        },
      ],
    },
  });
  new k8s.KubeNetworkPolicy(scope, "janitor-network", {
    metadata: { name: "r3a-maint-janitor", namespace: settings.namespace, labels: janitor },
    spec: {
      podSelector: { matchLabels: janitor },
      policyTypes: ["Ingress", "Egress"],
      egress: [
        {
          to: [{ ipBlock: { cidr: settings.apiServerCidr } }],
          // most networks look at the address behind the service `kubernetes`, some at its own
          ports: [port(443), port(6443)],
        },
      ],
    },
  });
}
