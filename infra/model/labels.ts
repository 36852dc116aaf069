import { MANAGER, PART_OF } from "@r3a/runner/contract/names";

/** Labels of every object; policies and people select by these, never by generated ones. */
export const SUITE_LABELS = {
  "app.kubernetes.io/name": "r3a",
  [PART_OF.label]: PART_OF.suite,
  "app.kubernetes.io/managed-by": MANAGER,
} as const;

/** What a pod's selector may rest on: it must not change with a release. */
export function componentLabels(component: string): Readonly<Record<string, string>> {
  return { ...SUITE_LABELS, "app.kubernetes.io/component": component };
}
