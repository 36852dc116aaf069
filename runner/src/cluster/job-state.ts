import { MINUTE_MS } from "../time.ts";
import {
  type CronJob,
  finishedAt,
  holds,
  isBatch,
  isFinished,
  isMadeByCronJob,
  type Job,
  latestOf,
  msOf,
  ownerOf,
  type Pod,
} from "./objects.ts";

/** Why a Job should go, and since when. */
type JobState = {
  readonly reason: "Overdue" | "NoLivePod" | "Orphan" | "OldSchemaJob" | "FinishedLongAgo";
  /** Epoch ms, null where the Job does not say it. */
  readonly since: number | null;
  readonly evidence: string;
};

const DEFAULT_GRACE_S = 30;
/** For this long the controller may only be waiting before its next try. */
const LONGEST_BACKOFF_MS = 6 * MINUTE_MS;
const OWN_CONTROLLER = "kubernetes.io/job-controller";

/**
 * The state of a Job that nothing else ends or cleans up; null for a Job that is as it should be. A Job at work is as
 * it should be even where its CronJob is gone: a person who deletes a CronJob with --cascade=orphan wants the current
 * run to end by itself. Such a Job goes when it is overdue or has lost its pods, and as an Orphan once it has finished.
 */
export function jobStateOf(
  job: Job,
  around: {
    readonly now: number;
    /** A Job that ended longer ago than this goes for that reason alone. */
    readonly finishedAfterMs: number;
    readonly pods: readonly Pod[];
    readonly cronJob: CronJob | null;
    readonly isOldSchemaJob: boolean;
  },
): JobState | null {
  if (isFinished(job)) return finishedStateOf(job, around);
  if (isLeftAlone(job) || otherControllerOf(job) !== null) return null;
  const states = [overdueStateOf(job), deadStateOf(job, around.pods)];
  // a `since` in the future: until then the Job is as it should be
  return states.find((state) => state !== null && (state.since ?? 0) <= around.now) ?? null;
}

/** Whether a Job is suspended, or on its way to its end. */
export function isLeftAlone(job: Job): boolean {
  const ends = holds(job, "FailureTarget") || holds(job, "SuccessCriteriaMet");
  return job.spec?.suspend === true || ends;
}

/** The controller that a Job is given to in the place of Kubernetes' own, e.g. Kueue; null where there is none. */
export function otherControllerOf({ spec }: Job): string | null {
  const { managedBy = OWN_CONTROLLER } = spec ?? {};
  return managedBy === OWN_CONTROLLER ? null : managedBy;
}

function finishedStateOf(
  job: Job,
  { now, finishedAfterMs, cronJob, isOldSchemaJob }: Parameters<typeof jobStateOf>[1],
): JobState | null {
  const since = finishedAt(job);
  if (isOldSchemaJob)
    return { reason: "OldSchemaJob", since, evidence: "a newer release has a schema Job of its own" };
  const hasTimeToLive = job.spec?.ttlSecondsAfterFinished !== undefined;
  const orphaned = hasTimeToLive ? null : orphanedBecause(job, cronJob);
  if (orphaned !== null) return { reason: "Orphan", since, evidence: orphaned };
  if (since === null || now - since < finishedAfterMs) return null;
  return { reason: "FinishedLongAgo", since, evidence: "no history limit and no time to live took it away" };
}

/**
 * Why no history limit counts a Job of a CronJob; null where a limit counts it, and for Jobs that never had a CronJob.
 */
function orphanedBecause(job: Job, cronJob: CronJob | null): string | null {
  const owner = ownerOf(job);
  // deleting a CronJob with --cascade=orphan removes the owner reference and leaves the annotations
  if (owner === null) return isMadeByCronJob(job) ? "its CronJob was deleted without it" : null;
  if (!isBatch(owner, "CronJob")) return null;
  if (cronJob === null) return `its CronJob ${owner.name} is gone`;
  return owner.controller === true ? null : `made by hand: the limits of ${owner.name} do not count it`;
}

/** The controller ends a Job at its deadline; a Job that goes on has lost its controller or its node. */
function overdueStateOf(job: Job): JobState | null {
  const startedAt = msOf(job.status?.startTime);
  const deadlineS = job.spec?.activeDeadlineSeconds;
  if (startedAt === null || deadlineS === undefined) return null;
  const graceS = job.spec?.template?.spec?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_S;
  return {
    reason: "Overdue",
    since: startedAt + (deadlineS + graceS) * 1000,
    evidence: `still unfinished after its deadline of ${deadlineS} s and ${graceS} s of grace`,
  };
}

function deadStateOf(job: Job, pods: readonly Pod[]): JobState | null {
  const isLive = ({ status }: Pod) => status?.phase !== "Succeeded" && status?.phase !== "Failed";
  if ((job.status?.active ?? 0) === 0 || pods.some(isLive)) return null;
  const ends = pods.flatMap(({ status }) => status?.containerStatuses ?? []);
  const last = latestOf([job.status?.startTime, ...ends.map(({ state }) => state?.terminated?.finishedAt)]);
  return {
    reason: "NoLivePod",
    since: last === null ? null : last + LONGEST_BACKOFF_MS,
    evidence: `says that ${job.status?.active} pods are active and has none`,
  };
}
