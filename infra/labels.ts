/** Labels of every object; policies and people select by these, never by generated ones. */
export const SUITE_LABELS = {
  "app.kubernetes.io/name": "r3a",
  "app.kubernetes.io/part-of": "r3a",
  "app.kubernetes.io/managed-by": "r3a-infra",
} as const;

/** What a pod's selector may rest on: it must not change with a release. */
export function componentLabels(component: string): Readonly<Record<string, string>> {
  return { ...SUITE_LABELS, "app.kubernetes.io/component": component };
}
