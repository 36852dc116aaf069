import type { Manifest } from "../manifest.ts";
import { podOf } from "./pod.ts";

/** A label selector of Kubernetes; an empty one selects everything. */
export type Selector = {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
};

/** Whether a selector takes something with these labels. */
export function isSelected(
  { matchLabels = {}, matchExpressions = [] }: Selector,
  labels: Readonly<Record<string, string>>,
): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      const isListed = value !== undefined && values.includes(value);
      if (operator === "In") return isListed;
      if (operator === "NotIn") return !isListed;
      return operator === "Exists" ? value !== undefined : value === undefined;
    })
  );
}

export type PolicySpec = {
  readonly podSelector?: Selector;
  readonly policyTypes?: readonly string[];
  readonly egress?: readonly { readonly to?: readonly { readonly ipBlock?: { readonly cidr?: string } }[] }[];
};

/** The spec of a NetworkPolicy, null for other kinds. */
export function policyOf(object: Manifest): PolicySpec | null {
  return object.kind === "NetworkPolicy" ? ((object.spec as PolicySpec | undefined) ?? {}) : null;
}

export function isSamePlace(one: Manifest, other: Manifest): boolean {
  return (one.metadata.namespace ?? "") === (other.metadata.namespace ?? "");
}

/** The NetworkPolicies that select the pods of an object. */
export function listPoliciesOf(object: Manifest, objects: readonly Manifest[]): readonly Manifest[] {
  const pod = podOf(object);
  return objects.filter((each) => {
    const policy = policyOf(each);
    return pod && policy && isSamePlace(each, object) && isSelected(policy.podSelector ?? {}, pod.labels);
  });
}
