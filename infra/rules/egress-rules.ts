import type { Manifest } from "../manifest.ts";
import { podOf } from "./pod.ts";
import type { ChartRule } from "./rule.ts";
import { isSelected, type Selector } from "./selector.ts";

type Egress = { readonly to?: readonly { readonly ipBlock?: { readonly cidr?: string } }[] };
type PolicySpec = { readonly podSelector?: Selector; readonly egress?: readonly Egress[] };

/** A block with a shorter prefix than the largest private network counts as the whole internet. */
const SHORTEST_PREFIX = { ipv4: 8, ipv6: 16 };

/** The wide blocks that a policy opens, as the policy writes them; a rule without `to` opens all addresses. */
function listWideBlocks({ egress = [] }: PolicySpec): readonly string[] {
  return egress
    .flatMap(({ to }) =>
      (to ?? []).length === 0 ? ["every address"] : (to ?? []).flatMap(({ ipBlock }) => ipBlock?.cidr ?? []),
    )
    .filter((block) => {
      const [address = "", prefix] = block.split("/");
      return (
        prefix === undefined || Number(prefix) < SHORTEST_PREFIX[address.includes(":") ? "ipv6" : "ipv4"]
      );
    });
}

function isWithToken(policy: Manifest, object: Manifest): boolean {
  const pod = podOf(object);
  if (pod === null || pod.spec.automountServiceAccountToken === false) return false;
  const { podSelector = {} } = (policy.spec as PolicySpec | undefined) ?? {};
  return object.metadata.namespace === policy.metadata.namespace && isSelected(podSelector, pod.labels);
}

export const EGRESS_RULES: readonly ChartRule[] = [
  {
    id: "api-server-egress",
    level: "warn",
    why: "A pod with a token needs the API server alone; a person who takes over the pod could send the token anywhere.",
    upstream: [],
    check: (objects) =>
      objects
        .filter(({ kind }) => kind === "NetworkPolicy")
        .filter((policy) => objects.some((object) => isWithToken(policy, object)))
        .flatMap((object) =>
          listWideBlocks((object.spec as PolicySpec | undefined) ?? {}).map((block) => ({
            object,
            message: `lets a pod with a token reach ${block}; set apiServerCidr to the API server's addresses, which \`kubectl -n default get endpointslice\` shows`,
          })),
        ),
  },
];
