import type { Fault } from "../errors.ts";
import type { Settings } from "../settings/schema.ts";
import {
  isNameTooLong,
  isStartTooLong,
  isStartTooShort,
  LONGEST_NAME,
  longestRun,
  MOST_MISSED,
  ownDeadline,
  SHORTEST_STARTING_DEADLINE,
  START_UP_SECONDS,
} from "./job-times.ts";
import { JOBS } from "./jobs.ts";
import { type ResolvedJob, resolveJobs } from "./resolve-jobs.ts";
import { faultOfSchedule, shortestPeriod } from "./schedule.ts";

/** A field of a job, whether it is wrong, and what to say then. */
type Check = readonly [isWrong: boolean, field: string, message: string];

/** Everything that is wrong with the jobs of an environment. */
export function checkJobs(settings: Settings): readonly Fault[] {
  const names = JOBS.map(({ name }) => name);
  const unknown = Object.keys(settings.jobs)
    .filter((name) => !names.includes(name))
    .map((name) => ({ key: `jobs.${name}`, message: `no such job; jobs are ${names.join(", ")}` }));
  return [...unknown, ...resolveJobs(settings).flatMap(checkJob)];
}

function checkJob(job: ResolvedJob): readonly Fault[] {
  const cron = faultOfSchedule(job.schedule);
  const checks = [
    ...(cron === null ? checkTimes(job) : [[true, "schedule", cron] as const]),
    ...checkKind(job),
  ];
  return checks
    .filter(([isWrong]) => isWrong)
    .map(([, field, message]) => ({ key: `jobs.${job.name}.${field}`, message }));
}

function checkKind(job: ResolvedJob): readonly Check[] {
  const isDeployment = job.runMode === "deployment";
  return [
    [
      isNameTooLong(job.objectName),
      "name",
      `"${job.objectName}" is longer than ${LONGEST_NAME} characters; shorten it in infra/model/jobs.ts`,
    ],
    [job.shards > 1 && job.isSharded !== true, "shards", "this job cannot be split; leave shards at 1"],
    [
      isDeployment && job.repeatsEverySeconds === undefined,
      "runMode",
      "only the minute syncs repeat by themselves; leave runMode at cronjob",
    ],
    [
      isDeployment && job.shards > 1,
      "runMode",
      "a Deployment is not split; set shards to 1 or runMode to cronjob",
    ],
  ];
}

/** Run and grace must fit into the period; start-up, own deadline and grace must fit into the deadline of the Job. */
function checkTimes(job: ResolvedJob): readonly Check[] {
  const { activeDeadlineSeconds: active, terminationGracePeriodSeconds: grace, deadlineSeconds: own } = job;
  const start = job.startingDeadlineSeconds;
  const period = shortestPeriod(job.schedule);
  return [
    [
      longestRun(active, grace) > period && job.mayOverrun === undefined,
      "activeDeadlineSeconds",
      `${active} s and ${grace} s of grace do not fit into a period of ${period} s; lower it to ${period - grace} or start less often`,
    ],
    [
      own === 0 || own > ownDeadline(active, grace),
      "deadlineSeconds",
      `${START_UP_SECONDS} s of start, ${own} s and ${grace} s of grace do not fit into activeDeadlineSeconds ${active}; lower it to ${ownDeadline(active, grace)} or raise activeDeadlineSeconds`,
    ],
    [
      isStartTooShort(start),
      "startingDeadlineSeconds",
      `below ${SHORTEST_STARTING_DEADLINE} s runs are left out; raise it`,
    ],
    [
      isStartTooLong(start, period),
      "startingDeadlineSeconds",
      `${start} s hold ${MOST_MISSED} periods of ${period} s or more; lower it`,
    ],
  ];
}
