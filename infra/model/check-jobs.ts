import type { Fault } from "../errors.ts";
import { LABEL } from "../settings/dns-name.ts";
import type { Settings } from "../settings/schema.ts";
import { leastNeedsOf } from "./command-needs.ts";
import {
  LONGEST_NAME,
  MOST_MISSED,
  ownDeadline,
  SHORTEST_STARTING_DEADLINE,
  START_UP_SECONDS,
} from "./job-times.ts";
import { JOBS, type Job } from "./jobs.ts";
import { type ResolvedJob, resolveJobs } from "./resolve-jobs.ts";
import { faultOfSchedule, shortestPeriod } from "./schedule.ts";

/** A field of a job, whether it is wrong, and what to say then. */
type Check = readonly [isWrong: boolean, field: string, message: string];

/** Where a fault lies that the environment cannot mend, because the row of the job has it. */
const TABLE = "infra/model/jobs.ts";

/** Everything that is wrong with the jobs of an environment; a fault of the table names the table as its place. */
export function checkJobs(settings: Settings, table: readonly Job[] = JOBS): readonly Fault[] {
  const names = table.map(({ name }) => name);
  const unknown = Object.keys(settings.jobs)
    .filter((name) => !names.includes(name))
    .map((name) => ({ key: `jobs.${name}`, message: `no such job; jobs are ${names.join(", ")}` }));
  const ofTable = resolveJobs({ ...settings, jobs: {} }, table).flatMap(checkJob);
  const faults = resolveJobs(settings, table).flatMap(checkJob);
  const isOfTable = ({ key, message }: Fault) =>
    ofTable.some((other) => other.key === key && other.message === message);
  return [
    ...unknown,
    ...faults.map((fault) =>
      isOfTable(fault) ? { ...fault, key: fault.key.replace(/^jobs\./, ""), place: TABLE } : fault,
    ),
  ];
}

function checkJob(job: ResolvedJob): readonly Fault[] {
  const cron = faultOfSchedule(job.schedule);
  const checks: readonly Check[] = [
    ...checkRow(job),
    ...(cron === null ? checkTimes(job) : [[true, "schedule", cron] as const]),
    ...checkKind(job),
  ];
  return checks
    .filter(([isWrong]) => isWrong)
    .map(([, field, message]) => ({ key: `jobs.${job.name}.${field}`, message }));
}

/** What no environment can change: the name, and whether the needs are enough for the command. */
function checkRow({ objectName, command, needs }: ResolvedJob): readonly Check[] {
  const isTooLong = objectName.length > LONGEST_NAME;
  const missing = leastNeedsOf(command).filter((need) => !needs.includes(need));
  return [
    [isTooLong, "name", `"${objectName}" is longer than ${LONGEST_NAME} characters; shorten it`],
    [
      !isTooLong && !LABEL.test(objectName),
      "name",
      `"${objectName}" is no name of Kubernetes; write a-z, 0-9 and - only`,
    ],
    [missing.length > 0, "needs", `${command.join(" ")} cannot work without ${missing.join(", ")}; add it`],
  ];
}

function checkKind({ runMode, shards, isSharded, repeatsEverySeconds }: ResolvedJob): readonly Check[] {
  const isDeployment = runMode === "deployment";
  const canRepeat = repeatsEverySeconds !== undefined;
  return [
    [shards > 1 && isSharded !== true, "shards", "this job cannot be split; leave shards at 1"],
    [
      isDeployment && !canRepeat,
      "runMode",
      "only the minute syncs repeat by themselves; leave runMode at cronjob",
    ],
    [
      isDeployment && shards > 1,
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
  const left = ownDeadline(active, grace);
  return [
    [
      active + grace > period && job.mayOverrun === undefined,
      "activeDeadlineSeconds",
      `${active} s and ${grace} s of grace do not fit into a period of ${period} s; lower it to ${period - grace} or start less often`,
    ],
    [
      own === 0 || own > left,
      "deadlineSeconds",
      `${START_UP_SECONDS} s of start, ${own} s and ${grace} s of grace do not fit into activeDeadlineSeconds ${active}; lower it to ${left} or raise activeDeadlineSeconds`,
    ],
    [
      start < SHORTEST_STARTING_DEADLINE,
      "startingDeadlineSeconds",
      `the controller may miss each start within less than ${SHORTEST_STARTING_DEADLINE} s; raise it`,
    ],
    [
      start >= MOST_MISSED * period,
      "startingDeadlineSeconds",
      `the job starts ${MOST_MISSED} times or more within ${start} s, and the controller may stop counting; lower it`,
    ],
  ];
}
