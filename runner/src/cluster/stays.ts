import { JANITOR_COMPONENT } from "../contract/names.ts";
import { renderTime } from "../time.ts";
import { caretakerOf } from "./caretaker.ts";
import type { Family } from "./family.ts";
import { isLeftAlone, otherControllerOf } from "./job-state.ts";
import { isFinished, isMadeByCronJob, type Job, type Metadata, ownerOf, type Pod } from "./objects.ts";
import type { Policy } from "./plan.ts";
import { delayOf, protectionOf } from "./protection.ts";
import { stuckStateOf } from "./stuck-pod.ts";

/**
 * Why an object stays although something is wrong with it. Each function returns a sentence for the plan, or null where it
 * knows no reason.
 */

/** The uids of the janitor's own pod, Job and CronJob. */
export function ownUids(pods: readonly Pod[], family: Family, policy: Policy): ReadonlySet<string> {
  const pod = pods.find(({ metadata }) => metadata?.uid === policy.ownPodUid);
  const job = pod === undefined ? null : family.jobOf(pod);
  const cronJob = job === null ? null : family.cronJobOf(job);
  return new Set([pod, job, cronJob].flatMap((each) => each?.metadata?.uid ?? []));
}

/** What the functions need to know around the object. */
export type Bounds = {
  readonly family: Family;
  readonly policy: Policy;
  readonly now: number;
  readonly own: ReadonlySet<string>;
};

/** Why a pod stays whatever its state is. */
export function whyPodUntouched(pod: Pod, bounds: Bounds): string | null {
  const { family, policy } = bounds;
  const job = family.jobOf(pod);
  return (
    whyUntouched(pod, family.levelsOfPod(pod), bounds) ??
    whyLookedAfter(pod, bounds) ??
    caretakerOf(pod.metadata ?? {}, ownerOf(pod) !== null) ??
    (job === null ? null : whyJobLookedAfter(job)) ??
    (policy.scope === "namespace" || family.isOurPod(pod) ? null : NOT_OURS)
  );
}

/** Why a Job, and the pods that would go with it, stay whatever their state is. */
export function whyJobUntouched(job: Job, bounds: Bounds): string | null {
  const { family, policy } = bounds;
  const ofPods = () =>
    firstOf(
      family.podsOf(job),
      (pod) => whyLookedAfter(pod, bounds) ?? caretakerOf(pod.metadata ?? {}, true),
    );
  return (
    whyUntouched(job, family.levelsOfJob(job), bounds) ??
    whyLookedAfter(job, bounds) ??
    whyJobLookedAfter(job) ??
    ofPods() ??
    (policy.scope === "namespace" || family.isOurJob(job) ? null : NOT_OURS) ??
    whyAtWork(job, bounds)
  );
}

const NOT_OURS = "is not of the suite; scope namespace takes it in";

function firstOf<T>(all: readonly T[], why: (each: T) => string | null): string | null {
  return all.map(why).find((each) => each !== null) ?? null;
}

/** `levels`: the metadata of the object, of its owners and of the objects that would go with it. */
function whyUntouched(
  { metadata }: Pod | Job,
  levels: readonly Metadata[],
  { own, policy }: Bounds,
): string | null {
  if (metadata?.deletionTimestamp !== undefined) return "is being deleted";
  // every run of the janitor has the label, whoever started it: no run deletes another
  const isJanitor = levels.some(
    ({ uid = "", labels }) => own.has(uid) || labels?.["app.kubernetes.io/component"] === JANITOR_COMPONENT,
  );
  return isJanitor ? "belongs to the janitor" : protectionOf(levels, policy.selectors);
}

function whyLookedAfter(object: Pod | Job, { family }: Bounds): string | null {
  const owner = family.foreignOwnerOf(object);
  return owner === null ? null : `${owner.kind} ${owner.name} above it looks after it`;
}

function whyJobLookedAfter(job: Job): string | null {
  const other = otherControllerOf(job);
  if (other !== null) return `${other} looks after it (spec.managedBy)`;
  return (
    caretakerOf(job.metadata ?? {}, isMadeByCronJob(job)) ??
    caretakerOf(job.spec?.template?.metadata ?? {}, true)
  );
}

/**
 * A Job from outside the suite is not ended for one bad pod while its other pods work: nobody promised that it can be
 * interrupted.
 */
function whyAtWork(job: Job, { family, policy, now }: Bounds): string | null {
  if (family.isOurJob(job)) return null;
  const atWork = family.podsOf(job).filter((pod) => {
    const { phase } = pod.status ?? {};
    if (phase === "Failed" || phase === "Succeeded") return false;
    const since = stuckStateOf(pod, policy)?.since ?? null;
    return since === null || now - since < delayOf(family.levelsOfPod(pod), policy.deleteAfterMs);
  });
  return atWork.length === 0 ? null : `${atWork.length} of its pods are at work, and it is not of the suite`;
}

export function whyTooEarly(
  since: number | null,
  levels: readonly Metadata[],
  { policy, now }: Bounds,
): string | null {
  if (since === null) return "does not say since when";
  const due = since + delayOf(levels, policy.deleteAfterMs);
  return now < due ? `its time comes at ${renderTime(due)}` : null;
}

/**
 * Why the janitor does not act on the pod itself: the pod has no owner and has not failed, or its Job takes care of it.
 */
export function whyItsJobDecides(pod: Pod, job: Job | null): string | null {
  const owner = ownerOf(pod);
  const { phase } = pod.status ?? {};
  if (owner === null)
    return phase === "Failed" ? null : "has no owner that would make it again, and has not ended";
  if (job === null) return `its Job ${owner.name} is gone: the garbage collection takes it`;
  if (isFinished(job)) return `stays as long as its finished Job ${owner.name}`;
  if (isLeftAlone(job)) return `its Job ${owner.name} is suspended or ending`;
  return phase === "Failed" ? `its Job ${owner.name} counts it and tries again` : null;
}
