import type { JobOverride, Resources } from "../settings/fields.ts";
import type { Settings } from "../settings/schema.ts";
import { ownDeadline } from "./job-times.ts";
import { JOBS, type Job, objectNameOf } from "./jobs.ts";

/** A job of one environment: the row of the table with the changes of the environment, and a value for every field. */
export type ResolvedJob = Job & {
  /** Name of the object, e.g. `r3a-sync-1m`. */
  readonly objectName: string;
  /** Repository with digest or tag; by default the runner's. */
  readonly image: string;
  /** By default that of the environment. */
  readonly imagePullPolicy: Settings["imagePullPolicy"];
  /** By default false; the setting suspendAll suspends every job. */
  readonly suspend: boolean;
  /** By default Forbid. */
  readonly concurrencyPolicy: "Forbid" | "Allow" | "Replace";
  /** The command's own deadline in seconds; by default what start-up and grace leave of activeDeadlineSeconds. */
  readonly deadlineSeconds: number;
  readonly successfulJobsHistoryLimit: number;
  readonly failedJobsHistoryLimit: number;
  /** A finished Job is deleted after so many seconds; 0: by the history limits alone. */
  readonly ttlSecondsAfterFinished: number;
  /** Pods of an Indexed Job that share the series; by default 1. */
  readonly shards: number;
  /** By default cronjob; deployment: one pod that repeats itself. */
  readonly runMode: "cronjob" | "deployment";
  readonly resources: Resources;
};

/** Repository with digest or tag. */
export function imageOf({ image, imageDigest, imageTag }: Settings): string {
  return imageDigest === "" ? `${image}:${imageTag === "" ? "latest" : imageTag}` : `${image}@${imageDigest}`;
}

/** The jobs of an environment in the order of the table, without those that the environment switches off. */
export function resolveJobs(settings: Settings, table: readonly Job[] = JOBS): readonly ResolvedJob[] {
  return table
    .filter(({ name }) => settings.jobs[name]?.enabled !== false)
    .map((job) => resolveJob(settings, job, settings.jobs[job.name] ?? {}));
}

function resolveJob(settings: Settings, job: Job, override: JobOverride): ResolvedJob {
  const { enabled: _, resources, waitDb, ...changed } = override;
  const merged = { ...job, ...changed };
  const left = ownDeadline(merged.activeDeadlineSeconds, merged.terminationGracePeriodSeconds);
  return {
    successfulJobsHistoryLimit: settings.successfulJobsHistoryLimit,
    failedJobsHistoryLimit: settings.failedJobsHistoryLimit,
    ttlSecondsAfterFinished: settings.ttlSecondsAfterFinished,
    imagePullPolicy: settings.imagePullPolicy,
    concurrencyPolicy: "Forbid",
    shards: 1,
    runMode: "cronjob",
    deadlineSeconds: Math.max(left, 1),
    ...merged,
    command: [...job.command, ...flagsOf(settings, job)],
    image: merged.image ?? imageOf(settings),
    suspend: settings.suspendAll || (merged.suspend ?? false),
    waitDb: settings.waitDb && (waitDb ?? job.waitDb),
    objectName: objectNameOf(job.name),
    resources: {
      cpuRequest: settings.cpuRequest,
      memoryRequest: settings.memoryRequest,
      memoryLimit: settings.memoryLimit,
      temporarySpace: settings.temporarySpace,
      ...resources,
    },
  };
}

function flagsOf(settings: Settings, { flags = {} }: Job): readonly string[] {
  return Object.entries(flags).flatMap(([flag, setting]) => (settings[setting] === true ? [flag] : []));
}
