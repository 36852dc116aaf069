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
export type JobState = {
  readonly reason: "Overdue" | "NoLivePod" | "Orphan" | "OldSchemaJob" | "FinishedLongAgo";
  /** Epoch ms, null where the Job does not say it. */
  readonly since: number | null;
  readonly evidence: string;
};

const DEFAULT_GRACE_S = 30;
/** Until then the controller may only be waiting before it tries again. */
const LONGEST_BACKOFF_MS = 6 * MINUTE_MS;
const OWN_CONTROLLER = "kubernetes.io/job-controller";

/**
 * The state of a Job that nobody else ends or cleans up; null for one that is as it should be. One that is still at work
 * is so though its CronJob is gone: who deletes a CronJob with --cascade=orphan wants the run under way to end by itself.
 * It goes when it is overdue or its pods are gone, and as an Orphan once it has finished.
 */
export function jobStateOf(
  job: Job,
  around: {
    readonly now: number;
    /** What ended longer ago goes for that alone. */
    readonly finishedAfterMs: number;
    readonly pods: readonly Pod[];
    readonly cronJob: CronJob | null;
    readonly isOldSchemaJob: boolean;
  },
): JobState | null {
  if (isFinished(job)) return finishedStateOf(job, around);
  if (isLeftAlone(job) || otherControllerOf(job) !== null) return null;
  const states = [overdueStateOf(job), deadStateOf(job, around.pods)];
  // a moment to come: until then all is as it should be
  return states.find((state) => state !== null && (state.since ?? 0) <= around.now) ?? null;
}

/** Suspended, or on its way to its end. */
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

/** Why no history limit counts a Job of a CronJob; null where one does, and for Jobs that never had one. */
function orphanedBecause(job: Job, cronJob: CronJob | null): string | null {
  const owner = ownerOf(job);
  // deleting a CronJob with --cascade=orphan takes the owner away and leaves the marks
  if (owner === null) return isMadeByCronJob(job) ? "its CronJob was deleted without it" : null;
  if (!isBatch(owner, "CronJob")) return null;
  if (cronJob === null) return `its CronJob ${owner.name} is gone`;
  return owner.controller === true ? null : `made by hand: the limits of ${owner.name} do not count it`;
}

/** The controller ends a Job at its deadline; one that goes on has lost its controller or its node. */
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
