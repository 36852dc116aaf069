import type { Manifest } from "../manifest.ts";
import {
  isNameTooLong,
  isStartTooLong,
  isStartTooShort,
  LONGEST_NAME,
  longestRun,
  MOST_MISSED,
  SHORTEST_STARTING_DEADLINE,
} from "../model/job-times.ts";
import { faultOfSchedule, shortestPeriod, TIME_ZONE } from "../model/schedule.ts";
import { graceOf } from "./job-rules.ts";
import { cronJobOf } from "./pod.ts";
import { MAY_OVERRUN, type Rule } from "./rule.ts";

/** A day, so that the person on call sees in the morning what failed in the night. */
const FAILURE_LOG_SECONDS = 86_400;
/** Shortest time between two starts in seconds; null: the schedule is wrong, which another rule reports. */
function periodOf(schedule: string | undefined): number | null {
  return schedule === undefined || faultOfSchedule(schedule) !== null ? null : shortestPeriod(schedule);
}

/**
 * What is wrong with a zone; null: nothing. `Intl.supportedValuesOf` lacks Etc/UTC on Node 20, so the zone is tried.
 */
function faultOfZone(zone: string | undefined): string | null {
  if (!zone) return "has no timeZone, so the controller's own counts; set timeZone: Etc/UTC";
  if (zone === TIME_ZONE) return null; // a look into the zones' table takes 4 ms
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return null;
  } catch {
    return `timeZone "${zone}" does not exist; set Etc/UTC`;
  }
}

/** Rules for each CronJob; other kinds pass. */
export const CRON_JOB_RULES: readonly Rule<Manifest>[] = [
  {
    id: "cron-name-length",
    level: "error",
    why: "A longer name is refused by the API server, or its Jobs cannot be made.",
    upstream: [],
    check: (object) => {
      const name = object.metadata.name ?? "";
      return cronJobOf(object) && isNameTooLong(name)
        ? [`its name has ${name.length} characters; shorten it to ${LONGEST_NAME}`]
        : [];
    },
  },
  {
    id: "schedule",
    level: "error",
    why: "Kubernetes refuses a schedule that it cannot read; and nobody misses a job whose schedule never comes.",
    upstream: ["datree CRONJOB_INVALID_SCHEDULE_VALUE"],
    check: (object) => {
      const fault = faultOfSchedule(cronJobOf(object)?.schedule ?? "");
      return cronJobOf(object) && fault !== null ? [`its schedule ${fault}`] : [];
    },
  },
  {
    id: "time-zone",
    level: "error",
    why: "Candles close in UTC; a controller in another zone would start the daily jobs at another hour.",
    upstream: [],
    check: (object) => {
      const cronJob = cronJobOf(object);
      const fault = cronJob && faultOfZone(cronJob.timeZone);
      return fault ? [fault] : [];
    },
  },
  {
    id: "forbid-concurrency",
    level: "error",
    why: "Two runs of one job wait for each other's locks and spend the exchange's budget twice.",
    upstream: ["datree CRONJOB_MISSING_CONCURRENCYPOLICY_KEY"],
    check: (object) => {
      const policy = cronJobOf(object)?.concurrencyPolicy;
      return cronJobOf(object) && policy !== "Forbid" ? ["set concurrencyPolicy: Forbid"] : [];
    },
  },
  {
    id: "starting-deadline",
    level: "error",
    why: "Without one, missed starts count without end; below 10 s a start may never happen, and 10 s missed one day in five (kubernetes#86647).",
    upstream: [
      "kube-score cronjob-has-deadline",
      "datree CRONJOB_MISSING_STARTINGDEADLINESECONDS_KEY",
      "KICS",
    ],
    check: (object) => {
      const cronJob = cronJobOf(object);
      if (!cronJob) return [];
      const deadline = cronJob.startingDeadlineSeconds;
      if (deadline === undefined || isStartTooShort(deadline)) {
        return [`set startingDeadlineSeconds to ${SHORTEST_STARTING_DEADLINE} or more`];
      }
      const period = periodOf(cronJob.schedule);
      return period !== null && isStartTooLong(deadline, period)
        ? [
            `startingDeadlineSeconds (${deadline}) spans ${MOST_MISSED} starts or more; set less than ${MOST_MISSED * period}`,
          ]
        : [];
    },
  },
  {
    id: "time-budget",
    level: "error",
    why: "A run that outlives its period makes the next one late: measured, 55 s of deadline and 20 s of grace on a minute job held the next starts back by 16 and 32 s.",
    upstream: [],
    check: (object) => {
      const cronJob = cronJobOf(object);
      const job = cronJob?.jobTemplate?.spec;
      const period = periodOf(cronJob?.schedule);
      if (!job?.activeDeadlineSeconds || period === null) return [];
      if (object.metadata.annotations?.[MAY_OVERRUN]?.trim()) return [];
      const longest = longestRun(job.activeDeadlineSeconds, graceOf(job));
      return longest > period
        ? [
            `may run for ${longest} s (activeDeadlineSeconds + grace), starts every ${period} s; shorten it or annotate ${MAY_OVERRUN}: <reason>`,
          ]
        : [];
    },
  },
  {
    id: "history",
    level: "error",
    why: "A minute job makes 1,440 Jobs a day; what is kept must be said, not left to defaults.",
    upstream: ["kube-linter job-ttl-seconds-after-finished"],
    check: (object) => {
      const cronJob = cronJobOf(object);
      if (!cronJob || cronJob.jobTemplate?.spec?.ttlSecondsAfterFinished !== undefined) return [];
      const { successfulJobsHistoryLimit: done, failedJobsHistoryLimit: failed } = cronJob;
      return done === undefined || failed === undefined
        ? ["set successfulJobsHistoryLimit and failedJobsHistoryLimit, or ttlSecondsAfterFinished"]
        : [];
    },
  },
  {
    id: "failure-logs",
    level: "warn",
    why: "A Job takes its pods' logs with it: of a failure at three in the morning nothing must be gone by half past.",
    upstream: [],
    check: (object) => {
      const cronJob = cronJobOf(object);
      if (!cronJob) return [];
      const seconds = cronJob.jobTemplate?.spec?.ttlSecondsAfterFinished ?? Number.POSITIVE_INFINITY;
      return [
        ...(seconds < FAILURE_LOG_SECONDS
          ? [
              `ttlSecondsAfterFinished (${seconds}) deletes failed Jobs too, whatever failedJobsHistoryLimit says; set ${FAILURE_LOG_SECONDS} or more, or none`,
            ]
          : []),
        ...(cronJob.failedJobsHistoryLimit === 0 ? ["failedJobsHistoryLimit is 0; set 1 or more"] : []),
      ];
    },
  },
];
