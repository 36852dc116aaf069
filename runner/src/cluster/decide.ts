import { type Family, familyOf } from "./family.ts";
import { jobStateOf } from "./job-state.ts";
import { type CronJob, type Job, type Metadata, msOf, type Pod, type SeenObjects } from "./objects.ts";
import { type Decision, isAction, type Policy } from "./plan.ts";
import {
  type Bounds,
  ownUids,
  whyItsJobDecides,
  whyJobUntouched,
  whyPodUntouched,
  whyTooEarly,
} from "./stays.ts";
import { stuckStateOf } from "./stuck-pod.ts";

/** Why an object is stuck, before anybody asks what may be done about that. */
type Stuck = Pick<Decision, "reason" | "container" | "since" | "evidence">;

/** What each step of a decision needs. */
type Look = Bounds & {
  /** Jobs for which an action is decided already, by uid, with the sentence that this means for their pods. */
  readonly taken: Map<string, string>;
};

/**
 * The plan for one look at a namespace. It is pure and in a fixed order, so that a scan prints what a delete does. A
 * stuck pod of a Job is handled through its Job, since the controller would make the pod again; pods of other
 * controllers are left alone.
 */
export function decide(seen: SeenObjects, policy: Policy, now: number): readonly Decision[] {
  const { pods, jobs, family } = relativesIn(seen, policy);
  const own = ownUids(pods, family, policy);
  const look = { family, policy, now, own, taken: new Map<string, string>() };
  const ofJobs = jobs.flatMap((job) => decideJob(job, look));
  for (const { uid, name } of ofJobs.filter(isAction)) look.taken.set(uid, `goes with its Job ${name}`);
  const ofPods = pods
    .flatMap((pod) => {
      const stuck = stuckOf(pod, look);
      return stuck === null ? [] : [{ pod, stuck }];
    })
    // the pod that is stuck for the longest time stands for its Job
    .toSorted(
      (a, b) => (a.stuck.since ?? now) - (b.stuck.since ?? now) || compare(nameOf(a.pod), nameOf(b.pod)),
    )
    .map(({ pod, stuck }) => decidePod(pod, stuck, look));
  const keyOf = (each: Decision) => `${isAction(each) ? 0 : 1} ${each.kind} ${each.name}`;
  return [...ofJobs, ...ofPods].toSorted((a, b) => compare(keyOf(a), keyOf(b)));
}

/**
 * The number of pods that the janitor may act on at all. The brake takes its percentage of them, not of pods outside
 * the scope.
 */
export function countPodsInScope(seen: SeenObjects, policy: Policy): number {
  const { pods, family } = relativesIn(seen, policy);
  return policy.scope === "namespace" ? pods.length : pods.filter(family.isOurPod).length;
}

function relativesIn(seen: SeenObjects, policy: Policy) {
  // sorted by name: where two pods of a Job are protected, the reason always names the same one
  const inside = <T extends { readonly metadata?: Metadata }>(objects: readonly T[]) =>
    objects
      .filter(({ metadata }) => metadata?.namespace === policy.namespace && metadata.uid !== undefined)
      .toSorted((a, b) => compare(nameOf(a), nameOf(b)));
  const [pods, jobs, cronJobs] = [inside(seen.pods), inside(seen.jobs), inside(seen.cronJobs)];
  return { pods, jobs, family: familyOf({ pods, jobs, cronJobs }) };
}

function decideJob(job: Job, look: Look): readonly Decision[] {
  const { family, policy, now } = look;
  const state = jobStateOf(job, {
    now,
    finishedAfterMs: policy.finishedAfterMs,
    pods: family.podsOf(job),
    cronJob: family.cronJobOf(job),
    isOldSchemaJob: family.isOldSchemaJob(job),
  });
  if (state === null) return [];
  const stays =
    whyJobUntouched(job, look) ??
    whyNotDeleted(job, family) ??
    whyTooEarly(state.since, family.levelsOfJob(job), look);
  return [onJob(job, { ...state, container: null, keptBecause: stays }, family)];
}

function decidePod(pod: Pod, stuck: Stuck, look: Look): Decision {
  const { family, taken } = look;
  const job = family.jobOf(pod);
  const isMarked = job !== null && hasConfigIssueRule(job);
  const stays =
    whyPodUntouched(pod, look) ??
    whyItsJobDecides(pod, job) ??
    taken.get(uidOf(job)) ??
    whyTooEarly(stuck.since, family.levelsOfPod(pod), look) ??
    (job === null ? null : whyJobUntouched(job, look)) ??
    (job === null || isMarked ? null : whyNotDeleted(job, family));
  if (stays !== null || job === null)
    return onPod(pod, { ...stuck, action: "delete-pod", keptBecause: stays }, family);
  taken.set(
    uidOf(job),
    isMarked ? `its Job fails by pod ${nameOf(pod)}` : `goes with its Job ${nameOf(job)}`,
  );
  if (isMarked) return onPod(pod, { ...stuck, action: "fail-job", keptBecause: null }, family);
  const evidence = `pod ${nameOf(pod)}: ${stuck.evidence}`;
  return onJob(job, { ...stuck, evidence, keptBecause: null }, family);
}

function stuckOf(pod: Pod, { policy, now }: Look): Stuck | null {
  const deletedAt = msOf(pod.metadata?.deletionTimestamp);
  if (deletedAt === null) return stuckStateOf(pod, policy);
  if (now - deletedAt < policy.deleteAfterMs) return null;
  const held = pod.metadata?.finalizers ?? [];
  const evidence =
    held.length === 0 ? "no finalizer holds it: look at its node" : `held by ${held.join(", ")}`;
  return { reason: "Terminating", container: null, since: deletedAt, evidence };
}

/** `pulumi up` waits for the newest schema Job, and every job waits for the schema that it makes. */
function whyNotDeleted(job: Job, family: Family): string | null {
  return family.isNewestSchemaJob(job) ? "is the newest schema Job" : null;
}

/** Whether a pod that is marked with ConfigIssue ends its Job at once. */
function hasConfigIssueRule({ spec }: Job): boolean {
  return (
    spec?.podFailurePolicy?.rules.some(
      ({ action, onPodConditions = [] }) =>
        action === "FailJob" && onPodConditions.some(({ type }) => type === "ConfigIssue"),
    ) ?? false
  );
}

/** What was found: why the object is stuck, and why the janitor leaves it alone all the same (null: it acts). */
type Found = Stuck & Pick<Decision, "keptBecause">;

function onPod(
  pod: Pod,
  { action, ...found }: Found & { readonly action: "delete-pod" | "fail-job" },
  family: Family,
): Decision {
  const job = family.jobOf(pod);
  const withIt = action === "fail-job" && job !== null ? family.podsOf(job) : [pod];
  return {
    ...found,
    ...identityOf(pod),
    kind: "Pod",
    action: found.keptBecause === null ? action : "keep",
    owners: job === null ? [] : referencesTo(job, family.cronJobOf(job)),
    pods: withIt.map(uidOf),
  };
}

function onJob(job: Job, found: Found, family: Family): Decision {
  return {
    ...found,
    ...identityOf(job),
    kind: "Job",
    action: found.keptBecause === null ? "delete-job" : "keep",
    owners: referencesTo(null, family.cronJobOf(job)),
    pods: family.podsOf(job).map(uidOf),
  };
}

function referencesTo(job: Job | null, cronJob: CronJob | null): Decision["owners"] {
  return [
    ...(job === null ? [] : [{ kind: "Job", name: nameOf(job), uid: uidOf(job) }]),
    ...(cronJob === null ? [] : [{ kind: "CronJob", name: nameOf(cronJob), uid: uidOf(cronJob) }]),
  ];
}

function identityOf(object: Pod | Job): Pick<Decision, "name" | "uid" | "resourceVersion"> {
  const resourceVersion = object.metadata?.resourceVersion ?? null;
  return { name: nameOf(object), uid: uidOf(object), resourceVersion };
}

function nameOf({ metadata }: Pod | Job | CronJob): string {
  return metadata?.name ?? "";
}

function uidOf(object: Pod | Job | CronJob | null): string {
  return object?.metadata?.uid ?? "";
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
