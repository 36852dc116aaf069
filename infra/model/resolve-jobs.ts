import type { Fault } from "../errors.ts";
import type { JobOverride, Resources } from "../settings/fields.ts";
import type { Settings } from "../settings/schema.ts";
import { JOBS, type Job, START_UP_SECONDS } from "./jobs.ts";
import { faultOfSchedule, shortestPeriod } from "./schedule.ts";

/** A job of one environment: the table's row with what the environment changes, all values filled in. */
export type ResolvedJob = Job & {
  /** Name of the object, e.g. `r3a-sync-1m`. */
  readonly objectName: string;
  readonly image: string;
  readonly imagePullPolicy: Settings["imagePullPolicy"];
  readonly suspend: boolean;
  readonly concurrencyPolicy: "Forbid" | "Allow" | "Replace";
  /** The command's own deadline; 0: none. */
  readonly deadlineSeconds: number;
  readonly successfulJobsHistoryLimit: number;
  readonly failedJobsHistoryLimit: number;
  readonly ttlSecondsAfterFinished: number;
  readonly shards: number;
  readonly runMode: "cronjob" | "deployment";
  readonly resources: Resources;
};

/** Eleven characters are appended to the name of each Job; 63 is the limit of its pods' labels. */
const LONGEST_NAME = 52;
/** A controller that is late by less than this would leave the run out. */
const SHORTEST_STARTING_DEADLINE_SECONDS = 10;

/** Repository with digest or tag. */
export function imageOf({ image, imageDigest, imageTag }: Settings): string {
  return imageDigest === "" ? `${image}:${imageTag === "" ? "latest" : imageTag}` : `${image}@${imageDigest}`;
}

/** The jobs of an environment in the order of the table; those that it switches off are left out. */
export function resolveJobs(settings: Settings): readonly ResolvedJob[] {
  return JOBS.filter(({ name }) => settings.jobs[name]?.enabled !== false).map((job) =>
    resolveJob(settings, job, settings.jobs[job.name] ?? {}),
  );
}

function resolveJob(settings: Settings, job: Job, override: JobOverride): ResolvedJob {
  const { enabled: _, resources, waitDb, ...changed } = override;
  const merged = { ...job, ...defined(changed) };
  const left = merged.activeDeadlineSeconds - merged.terminationGracePeriodSeconds - START_UP_SECONDS;
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
    objectName: `r3a-${job.name}`,
    resources: {
      cpuRequest: settings.cpuRequest,
      memoryRequest: settings.memoryRequest,
      memoryLimit: settings.memoryLimit,
      temporarySpace: settings.temporarySpace,
      ...defined(resources ?? {}),
    },
  };
}

function flagsOf(settings: Settings, { flags = {} }: Job): readonly string[] {
  return Object.entries(flags).flatMap(([flag, setting]) => (settings[setting] === true ? [flag] : []));
}

/** Without the keys that hold undefined: they would hide a default. */
function defined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** Everything that is wrong with the jobs of an environment. */
export function checkJobs(settings: Settings): readonly Fault[] {
  const names = JOBS.map(({ name }) => name);
  const unknown = Object.keys(settings.jobs)
    .filter((name) => !names.includes(name))
    .map((name) => ({ key: `jobs.${name}`, message: `no such job; jobs are ${names.join(", ")}` }));
  return [...unknown, ...resolveJobs(settings).flatMap(checkJob)];
}

function checkJob(job: ResolvedJob): readonly Fault[] {
  const at = (field: string, message: string): Fault => ({ key: `jobs.${job.name}.${field}`, message });
  const cron = faultOfSchedule(job.schedule);
  const faults: Fault[] = cron === null ? checkTimes(job, at) : [at("schedule", cron)];
  if (job.objectName.length > LONGEST_NAME)
    faults.push(
      at(
        "name",
        `"${job.objectName}" is longer than ${LONGEST_NAME} characters; shorten it in infra/model/jobs.ts`,
      ),
    );
  if (job.shards > 1 && job.isSharded !== true)
    faults.push(at("shards", "this job cannot be split; leave shards at 1"));
  if (job.runMode === "deployment" && job.repeatsEverySeconds === undefined)
    faults.push(at("runMode", "only the minute syncs repeat by themselves; leave runMode at cronjob"));
  if (job.runMode === "deployment" && job.shards > 1)
    faults.push(at("runMode", "a Deployment is not split; set shards to 1 or runMode to cronjob"));
  return faults;
}

/** interval >= activeDeadline + grace, activeDeadline >= start-up + own deadline + grace. */
function checkTimes(job: ResolvedJob, at: (field: string, message: string) => Fault): Fault[] {
  const { activeDeadlineSeconds: active, terminationGracePeriodSeconds: grace, deadlineSeconds: own } = job;
  const period = shortestPeriod(job.schedule);
  const faults: Fault[] = [];
  if (active + grace > period && job.mayOverrun === undefined)
    faults.push(
      at(
        "activeDeadlineSeconds",
        `${active} s and ${grace} s of grace do not fit into a period of ${period} s; lower it to ${period - grace} or start less often`,
      ),
    );
  if (own === 0 || START_UP_SECONDS + own + grace > active)
    faults.push(
      at(
        "deadlineSeconds",
        `${START_UP_SECONDS} s of start, ${own} s and ${grace} s of grace do not fit into activeDeadlineSeconds ${active}; lower it to ${active - grace - START_UP_SECONDS} or raise activeDeadlineSeconds`,
      ),
    );
  if (job.startingDeadlineSeconds < SHORTEST_STARTING_DEADLINE_SECONDS)
    faults.push(
      at(
        "startingDeadlineSeconds",
        `below ${SHORTEST_STARTING_DEADLINE_SECONDS} s runs are left out; raise it`,
      ),
    );
  if (job.startingDeadlineSeconds >= 100 * period)
    faults.push(
      at(
        "startingDeadlineSeconds",
        `${job.startingDeadlineSeconds} s hold 100 periods of ${period} s or more; lower it`,
      ),
    );
  return faults;
}
