import { renderTime } from "../time.ts";
import type { Family } from "./family.ts";
import { isLeftAlone } from "./job-state.ts";
import { isFinished, type Job, type Metadata, ownerOf, type Pod } from "./objects.ts";
import type { Policy } from "./plan.ts";
import { delayOf, protectionOf } from "./protection.ts";

/** Why an object stays although something is wrong with it: each is a sentence for the plan, null is none. */

/** Label of every run of the janitor: none deletes another, whoever started it. */
const JANITOR = "maint-janitor";

/** uids of the janitor's own pod, Job and CronJob. */
export function ownUids(pods: readonly Pod[], family: Family, policy: Policy): ReadonlySet<string> {
  const pod = pods.find(({ metadata }) => metadata?.uid === policy.ownPodUid);
  const job = pod === undefined ? null : family.jobOf(pod);
  const cronJob = job === null ? null : family.cronJobOf(job);
  return new Set([pod, job, cronJob].flatMap((each) => each?.metadata?.uid ?? []));
}

/** What holds whatever its state is. `levels`: its own metadata, that of its owners and of what would go with it. */
export function whyUntouched(
  { metadata }: Pod | Job,
  levels: readonly Metadata[],
  own: ReadonlySet<string>,
  policy: Policy,
): string | null {
  if (metadata?.deletionTimestamp !== undefined) return "is being deleted";
  const isJanitor = levels.some(
    ({ uid = "", labels }) => own.has(uid) || labels?.["app.kubernetes.io/component"] === JANITOR,
  );
  return isJanitor ? "belongs to the janitor" : protectionOf(levels, policy.selectors);
}

export function whyTooEarly(
  since: number | null,
  levels: readonly Metadata[],
  policy: Policy,
  now: number,
): string | null {
  if (since === null) return "does not say since when";
  const due = since + delayOf(levels, policy.deleteAfterMs);
  return now < due ? `its time comes at ${renderTime(due)}` : null;
}

/** Who else answers for a pod; null where it has no owner, or a Job that would try in vain. */
export function whyItsOwnerDecides(pod: Pod, job: Job | null): string | null {
  const owner = ownerOf(pod);
  if (owner === null) return null;
  if (owner.kind !== "Job") return `its ${owner.kind} ${owner.name} would make it again`;
  if (job === null) return `its Job ${owner.name} is gone: the garbage collection takes it`;
  if (isFinished(job)) return `stays as long as its finished Job ${owner.name}`;
  if (isLeftAlone(job)) return `its Job ${owner.name} is suspended or ending`;
  return pod.status?.phase === "Failed" ? `its Job ${owner.name} counts it and tries again` : null;
}
