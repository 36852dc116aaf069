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
