import { LONGEST_NAME, MOST_MISSED, SHORTEST_STARTING_DEADLINE } from "../model/job-times.ts";
import { faultOfSchedule, shortestPeriod, TIME_ZONE } from "../model/schedule.ts";
import { graceOf } from "./job-rules.ts";
import type { CronJob } from "./pod.ts";
import { MAY_OVERRUN, type Rule } from "./rule.ts";

/** A day, so that the person on call sees in the morning what failed in the night. */
const FAILURE_LOG_SECONDS = 86_400;

/** Shortest time between two starts in seconds; null: the schedule is wrong, which another rule reports. */
function periodOf({ schedule = "" }: CronJob): number | null {
  return faultOfSchedule(schedule) === null ? shortestPeriod(schedule) : null;
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

/** Rules for each CronJob. */
export const CRON_JOB_RULES: readonly Rule<CronJob>[] = [
  {
    id: "cron-name-length",
    why: "A longer name is refused by the API server, or its Jobs cannot be made.",
    check: ({ metadata: { name = "" } }) =>
      name.length > LONGEST_NAME
        ? [`its name has ${name.length} characters; shorten it to ${LONGEST_NAME}`]
        : [],
  },
  {
    id: "schedule",
    // as datree CRONJOB_INVALID_SCHEDULE_VALUE
    why: "Kubernetes refuses a schedule that it cannot read; and nobody misses a job whose schedule never comes.",
    check: ({ schedule = "" }) => {
      const fault = faultOfSchedule(schedule);
      return fault === null ? [] : [`its schedule ${fault}`];
    },
  },
  {
    id: "time-zone",
    why: "Candles close in UTC; a controller in another zone would start the daily jobs at another hour.",
    check: ({ timeZone }) => {
      const fault = faultOfZone(timeZone);
      return fault === null ? [] : [fault];
    },
  },
  {
    id: "forbid-concurrency",
    // as datree CRONJOB_MISSING_CONCURRENCYPOLICY_KEY
    why: "Two runs of one job wait for each other's locks and spend the exchange's budget twice.",
    check: ({ concurrencyPolicy }) =>
      concurrencyPolicy === "Forbid" ? [] : ["set concurrencyPolicy: Forbid"],
  },
  {
    id: "starting-deadline",
    // as kube-score cronjob-has-deadline, datree CRONJOB_MISSING_STARTINGDEADLINESECONDS_KEY, KICS
    why: "Without one, missed starts count without end; below 10 s a start may never happen, and 10 s missed one day in five (kubernetes#86647).",
    check: (cronJob) => {
      const { startingDeadlineSeconds: deadline = 0 } = cronJob;
      if (deadline < SHORTEST_STARTING_DEADLINE)
        return [`set startingDeadlineSeconds to ${SHORTEST_STARTING_DEADLINE} or more`];
      const period = periodOf(cronJob);
      return period !== null && deadline >= MOST_MISSED * period
        ? [
            `startingDeadlineSeconds (${deadline}) spans ${MOST_MISSED} starts or more; set less than ${MOST_MISSED * period}`,
          ]
        : [];
    },
  },
  {
    id: "time-budget",
    why: "A run that outlives its period makes the next one late: measured, 55 s of deadline and 20 s of grace on a minute job held the next starts back by 16 and 32 s.",
    check: (cronJob) => {
      const job = cronJob.jobTemplate?.spec;
      const period = periodOf(cronJob);
      if (!job?.activeDeadlineSeconds || period === null) return [];
      if (cronJob.metadata.annotations?.[MAY_OVERRUN]?.trim()) return [];
      const longest = job.activeDeadlineSeconds + graceOf(job);
      return longest > period
        ? [
            `may run for ${longest} s (activeDeadlineSeconds + grace), starts every ${period} s; shorten it or annotate ${MAY_OVERRUN}: <reason>`,
          ]
        : [];
    },
  },
  {
    id: "history",
    // as kube-linter job-ttl-seconds-after-finished
    why: "A minute job makes 1,440 Jobs a day; what is kept must be said, not left to defaults.",
    check: ({ jobTemplate, successfulJobsHistoryLimit: done, failedJobsHistoryLimit: failed }) =>
      jobTemplate?.spec?.ttlSecondsAfterFinished === undefined && (done === undefined || failed === undefined)
        ? ["set successfulJobsHistoryLimit and failedJobsHistoryLimit, or ttlSecondsAfterFinished"]
        : [],
  },
  {
    id: "failure-logs",
    level: "warn",
    why: "A Job takes its pods' logs with it: of a failure at three in the morning nothing must be gone by half past.",
    check: ({ jobTemplate, failedJobsHistoryLimit: failed }) => {
      const seconds = jobTemplate?.spec?.ttlSecondsAfterFinished ?? Number.POSITIVE_INFINITY;
      return [
        ...(seconds < FAILURE_LOG_SECONDS
          ? [
              `ttlSecondsAfterFinished (${seconds}) deletes failed Jobs too, whatever failedJobsHistoryLimit says; set ${FAILURE_LOG_SECONDS} or more, or none`,
            ]
          : []),
        ...(failed === 0 ? ["failedJobsHistoryLimit is 0; set 1 or more"] : []),
      ];
    },
  },
];
