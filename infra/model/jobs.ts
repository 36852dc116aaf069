import type { CommandName } from "@r3a/runner/contract/commands";
import { JANITOR, JANITOR_COMPONENT } from "@r3a/runner/contract/names";
import type { SettingName } from "../settings/schema.ts";
import type { Need } from "./need.ts";

/** One CronJob. Every value is a setting: `jobs: {<name>: {...}}` of an environment changes it. */
export type Job = {
  /** The object is called `r3a-<name>`. */
  readonly name: string;
  readonly why: string;
  /** Cron expression, UTC. */
  readonly schedule: string;
  readonly command: readonly [CommandName, ...string[]];
  /** How late a run may start, in seconds; the controller leaves out a later run. */
  readonly startingDeadlineSeconds: number;
  /** Kubernetes ends the Job after so many seconds, start-up and waits included. */
  readonly activeDeadlineSeconds: number;
  /** How often Kubernetes tries a failed pod again. */
  readonly backoffLimit: number;
  /** From SIGTERM to SIGKILL, in seconds. */
  readonly terminationGracePeriodSeconds: number;
  /** Whether an init container waits for the database; if not, the command itself waits. */
  readonly waitDb: boolean;
  /** The period in seconds of a job that may also run as a Deployment that repeats itself (`runMode: deployment`). */
  readonly repeatsEverySeconds?: number;
  /** Whether its series can be split over the pods of an Indexed Job. */
  readonly isSharded?: boolean;
  /** Why it may run for longer than its period. */
  readonly mayOverrun?: string;
  /** What the pod cannot work without: its secrets, volumes, account and network follow from this list (needs.ts). */
  readonly needs: readonly Need[];
  /** Flags of the command, each with the setting that turns the flag on. */
  readonly flags?: Readonly<Record<string, SettingName>>;
  /** Rules that the job may break, each with the reason. */
  readonly waives?: Readonly<Record<string, string>>;
};

/** Name of the object of a job, and of all objects that belong to this job alone. */
export function objectNameOf(name: string): string {
  return `r3a-${name}`;
}

/**
 * The Job that brings the database to the schema of the image. It has no need of the ConfigMap, because each change of a
 * value there would make another Job.
 */
export const SCHEMA_JOB = { name: "migrate", needs: ["database"] } as const;

/** The syncs start in the first minutes of an hour; every other job that can start later does so. */
export const JOBS: readonly Job[] = [
  {
    name: "sync-1m-top",
    why: "The twenty largest markets are at most one minute late, whatever the other jobs do.",
    schedule: "* * * * *",
    command: ["sync", "1m", "--top", "20"],
    needs: ["config", "database", "exchange"],
    startingDeadlineSeconds: 60,
    activeDeadlineSeconds: 50,
    backoffLimit: 0,
    terminationGracePeriodSeconds: 10,
    waitDb: false,
    repeatsEverySeconds: 60,
  },
  {
    name: "sync-1m",
    why: "Fetches the whole universe each minute. The locks of sync-1m-top make this job skip its series.",
    schedule: "* * * * *",
    command: ["sync", "1m"],
    needs: ["config", "database", "exchange"],
    startingDeadlineSeconds: 60,
    activeDeadlineSeconds: 300,
    backoffLimit: 0,
    terminationGracePeriodSeconds: 10,
    waitDb: false,
    repeatsEverySeconds: 60,
    isSharded: true,
    mayOverrun:
      "after an outage a run fetches the candles of hours, and Forbid starts no other run meanwhile",
  },
  {
    name: "sync-15m",
    why: "Fetches the quarter-hour candles as soon as they close.",
    schedule: "*/15 * * * *",
    command: ["sync", "15m"],
    needs: ["config", "database", "exchange"],
    startingDeadlineSeconds: 300,
    activeDeadlineSeconds: 840,
    backoffLimit: 1,
    terminationGracePeriodSeconds: 30,
    waitDb: true,
    isSharded: true,
  },
  {
    name: "sync-1h",
    why: "Fetches the hourly candles as soon as they close.",
    schedule: "0 * * * *",
    command: ["sync", "1h"],
    needs: ["config", "database", "exchange"],
    startingDeadlineSeconds: 300,
    activeDeadlineSeconds: 900,
    backoffLimit: 2,
    terminationGracePeriodSeconds: 30,
    waitDb: true,
    isSharded: true,
  },
  {
    name: "sync-4h",
    why: "Fetches the four-hour candles one hour after they close, at 01:00 too, as the old daily job did.",
    schedule: "0 1,5,9,13,17,21 * * *",
    command: ["sync", "4h"],
    needs: ["config", "database", "exchange"],
    startingDeadlineSeconds: 300,
    activeDeadlineSeconds: 1_800,
    backoffLimit: 2,
    terminationGracePeriodSeconds: 30,
    waitDb: true,
    isSharded: true,
  },
  {
    name: "sync-1d",
    why: "Fetches the daily candles two hours after midnight, when the exchange no longer changes them.",
    schedule: "0 2 * * *",
    command: ["sync", "1d"],
    needs: ["config", "database", "exchange"],
    startingDeadlineSeconds: 300,
    activeDeadlineSeconds: 900,
    backoffLimit: 2,
    terminationGracePeriodSeconds: 30,
    waitDb: true,
    isSharded: true,
  },
  {
    name: "maint",
    why: "Brings indexes, leaves and storage settings to what they should be, with a few operations an hour.",
    schedule: "15 * * * *",
    command: ["maint"],
    needs: ["config", "database"],
    startingDeadlineSeconds: 300,
    activeDeadlineSeconds: 1_200,
    backoffLimit: 1,
    terminationGracePeriodSeconds: 30,
    waitDb: true,
  },
  {
    name: JANITOR_COMPONENT,
    why: "Deletes pods that can never start: until then their CronJob starts no other run.",
    schedule: "*/5 * * * *",
    command: ["janitor"],
    needs: ["config", "cluster"],
    startingDeadlineSeconds: 120,
    activeDeadlineSeconds: 240,
    backoffLimit: 0,
    terminationGracePeriodSeconds: 10,
    // the janitor must work when the database does not
    waitDb: false,
    flags: { "--unschedulable": "janitorUnschedulable" },
    waives: {
      "no-token": `it asks the Kubernetes API, with the rights of the Role ${JANITOR} and no others`,
    },
  },
  {
    name: "maint-refresh-lastts",
    why: "Compares the last timestamps with the stored candles, so that they are right after deletes and restores too.",
    // odd minutes, because the jobs of the full and the half hour start at even ones
    schedule: "1-59/2 * * * *",
    command: ["refresh-lastts"],
    needs: ["config", "database"],
    startingDeadlineSeconds: 120,
    activeDeadlineSeconds: 100,
    backoffLimit: 0,
    terminationGracePeriodSeconds: 10,
    waitDb: true,
  },
  {
    name: "maint-vacuum-hot",
    why: "Keeps the statistics of what changes most right, and those of the partitioned parents, which autovacuum never analyses.",
    schedule: "10 * * * *",
    command: ["vacuum"],
    needs: ["config", "database"],
    startingDeadlineSeconds: 300,
    activeDeadlineSeconds: 1_200,
    backoffLimit: 0,
    terminationGracePeriodSeconds: 30,
    waitDb: true,
  },
  {
    name: "gaps",
    why: "Asks again for the candles that a sync could not get, with the budget that the minute jobs leave.",
    schedule: "7,37 * * * *",
    command: ["gaps", "--repair"],
    needs: ["config", "database", "exchange"],
    startingDeadlineSeconds: 300,
    activeDeadlineSeconds: 900,
    backoffLimit: 0,
    terminationGracePeriodSeconds: 30,
    waitDb: true,
  },
  {
    name: "verify",
    why: "Compares the stored candles once a day with coverage, gap log and the finer interval.",
    schedule: "40 3 * * *",
    command: ["verify"],
    needs: ["config", "database"],
    startingDeadlineSeconds: 14_400,
    activeDeadlineSeconds: 3_600,
    backoffLimit: 0,
    terminationGracePeriodSeconds: 30,
    waitDb: true,
  },
  {
    name: "health",
    why: "Checks data and jobs as a whole four times a day, and ends with 1 if something is wrong.",
    schedule: "0 */6 * * *",
    command: ["health"],
    needs: ["config", "database", "freshnessLimits"],
    startingDeadlineSeconds: 300,
    activeDeadlineSeconds: 120,
    backoffLimit: 0,
    terminationGracePeriodSeconds: 10,
    // health must report a database that does not answer, so nothing may wait for the database before it
    waitDb: false,
  },
];
