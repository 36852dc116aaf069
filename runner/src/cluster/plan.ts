import { FEW_PODS, type JanitorScope } from "../contract/janitor.ts";
import type { Selector } from "../selector.ts";

/** What the janitor may do in one namespace. */
export type Policy = {
  /** Objects of other namespaces are not even looked at. */
  readonly namespace: string;
  readonly scope: JanitorScope;
  /** How long an object must be stuck. */
  readonly deleteAfterMs: number;
  /** How long ago a Job must have ended to go for that reason alone. */
  readonly finishedAfterMs: number;
  readonly selectors: readonly Selector[];
  /** Whether a pod that finds no node counts as stuck: an autoscaler may take longer than the delay. */
  readonly withUnschedulable: boolean;
  /** The pod that this process runs in; null outside of the cluster. */
  readonly ownPodUid: string | null;
};

export type Reference = { readonly kind: string; readonly name: string; readonly uid: string };

/** What the plan says of one pod or Job that is not as it should be. A healthy object has no decision. */
export type Decision = Reference & {
  readonly kind: "Pod" | "Job";
  /** fail-job marks the pod with ConfigIssue and deletes it, so that the Job's own policy ends the Job. */
  readonly action: "delete-pod" | "fail-job" | "delete-job" | "keep";
  readonly reason: string;
  readonly container: string | null;
  /** Epoch ms. */
  readonly since: number | null;
  readonly evidence: string;
  /** Why the janitor leaves the object alone; null where it acts. */
  readonly keptBecause: string | null;
  /** The Job and the CronJob above the object; they get an Event too. */
  readonly owners: readonly Reference[];
  /** The version that was looked at: the API server refuses to delete a later one. */
  readonly resourceVersion: string | null;
  /** uids of the pods that go. */
  readonly pods: readonly string[];
};

/** The limits of one run. A plan beyond them is no cleaning: something else is wrong, and a person must look. */
export type Limits = { readonly maxDeletes: number; readonly maxPercent: number };

export function isAction({ action }: Decision): boolean {
  return action !== "keep";
}

/**
 * Why the plan as a whole must not be carried out; null where it may be. `podCount`: the pods in the janitor's scope.
 * The percentage counts only where more than a few pods would go.
 */
export function brakeOf(
  decisions: readonly Decision[],
  podCount: number,
  { maxDeletes, maxPercent }: Limits,
): string | null {
  const actions = decisions.filter(isAction);
  if (actions.length > maxDeletes)
    return `${actions.length} objects would go, more than the ${maxDeletes} of --max-deletes (JANITOR_MAX_DELETES)`;
  const gone = new Set(actions.flatMap(({ pods }) => pods)).size;
  return gone > FEW_PODS && gone * 100 > podCount * maxPercent
    ? `${gone} of ${podCount} pods would go, more than the ${maxPercent} % of --max-percent (JANITOR_MAX_PERCENT)`
    : null;
}
