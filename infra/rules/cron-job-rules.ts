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
    why: "The API server refuses a longer name, or the controller cannot make Jobs of this name.",
    check: ({ metadata: { name = "" } }) =>
      name.length > LONGEST_NAME
        ? [`its name has ${name.length} characters; shorten it to ${LONGEST_NAME}`]
        : [],
  },
  {
    id: "schedule",
    // as datree CRONJOB_INVALID_SCHEDULE_VALUE
    why: "Kubernetes refuses a schedule that it cannot read, and nobody notices a job that never starts.",
    check: ({ schedule = "" }) => {
      const fault = faultOfSchedule(schedule);
      return fault === null ? [] : [`its schedule ${fault}`];
    },
  },
  {
    id: "time-zone",
    why: "Candles close in UTC. In another zone the controller would start the daily jobs at another hour.",
    check: ({ timeZone }) => {
      const fault = faultOfZone(timeZone);
      return fault === null ? [] : [fault];
    },
  },
  {
    id: "forbid-concurrency",
    // as datree CRONJOB_MISSING_CONCURRENCYPOLICY_KEY
    why: "Two runs of the same job wait for each other's locks and use the exchange's budget twice.",
    check: ({ concurrencyPolicy }) =>
      concurrencyPolicy === "Forbid" ? [] : ["set concurrencyPolicy: Forbid"],
  },
  {
    id: "starting-deadline",
    // as kube-score cronjob-has-deadline, datree CRONJOB_MISSING_STARTINGDEADLINESECONDS_KEY, KICS
    why: "Without a starting deadline the controller counts missed starts without end. With less than 10 s it may never start a run, and with 10 s it missed one day in five (kubernetes#86647).",
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
    why: "A run that takes longer than its period delays the next run. Measured on a minute job with a deadline of 55 s and 20 s of grace: the next runs started 16 and 32 s late.",
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
    why: "A minute job makes 1,440 Jobs a day, so the manifest must say how many of them stay.",
    check: ({ jobTemplate, successfulJobsHistoryLimit: done, failedJobsHistoryLimit: failed }) =>
      jobTemplate?.spec?.ttlSecondsAfterFinished === undefined && (done === undefined || failed === undefined)
        ? ["set successfulJobsHistoryLimit and failedJobsHistoryLimit, or ttlSecondsAfterFinished"]
        : [],
  },
  {
    id: "failure-logs",
    level: "warn",
    why: "Kubernetes deletes the logs of the pods together with the Job. The log of a failure in the night must still exist in the morning.",
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
