import { podOf } from "./pod.ts";
import type { ChartRule } from "./rule.ts";
import { listPoliciesOf, type PolicySpec, policyOf } from "./selector.ts";

/** A block with a shorter prefix than the largest private network counts as the whole internet. */
const SHORTEST_PREFIX = { ipv4: 8, ipv6: 16 };

/** The wide blocks that a policy opens, as the policy writes them; a rule without `to` opens all addresses. */
function listWideBlocks({ egress = [] }: PolicySpec): readonly string[] {
  return egress
    .flatMap(({ to = [] }) =>
      to.length === 0 ? ["every address"] : to.flatMap(({ ipBlock }) => ipBlock?.cidr ?? []),
    )
    .filter((block) => {
      const [address = "", prefix] = block.split("/");
      const shortest = SHORTEST_PREFIX[address.includes(":") ? "ipv6" : "ipv4"];
      return prefix === undefined || Number(prefix) < shortest;
    });
}

export const EGRESS_RULES: readonly ChartRule[] = [
  {
    id: "api-server-egress",
    level: "warn",
    why: "A pod with a token needs only the API server. Whoever takes over the pod could send the token to any address.",
    check: (objects) => {
      const withToken = objects.filter((object) => {
        const pod = podOf(object);
        return pod !== null && pod.spec.automountServiceAccountToken !== false;
      });
      const policies = new Set(withToken.flatMap((object) => listPoliciesOf(object, objects)));
      return [...policies].flatMap((object) =>
        listWideBlocks(policyOf(object) ?? {}).map((block) => ({
          object,
          message: `lets a pod with a token reach ${block}; set apiServerCidr to the API server's addresses, which \`kubectl -n default get endpointslice\` shows`,
        })),
      );
    },
  },
];
