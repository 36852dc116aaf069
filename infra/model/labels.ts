import { MANAGER, PART_OF } from "@r3a/runner/contract/names";

/** The label that all pods of the suite share. */
export const NAME_LABEL = "app.kubernetes.io/name";
/** The label that tells the pods of one job from those of another. */
export const COMPONENT_LABEL = "app.kubernetes.io/component";

/** Labels of every object; policies and people select by these labels, never by generated ones. */
export const SUITE_LABELS = {
  [NAME_LABEL]: "r3a",
  [PART_OF.label]: PART_OF.suite,
  "app.kubernetes.io/managed-by": MANAGER,
} as const;

/** The labels that may stand in the selector of a pod: none of them changes with a release. */
export function componentLabels(component: string): Readonly<Record<string, string>> {
  return { ...SUITE_LABELS, [COMPONENT_LABEL]: component };
}
