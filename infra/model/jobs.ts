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
  /** How late a start may be, in seconds; the controller leaves out a later one. */
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
    why: "The twenty largest markets are never more than a minute behind, whatever the others do.",
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
    why: "The whole universe each minute; locks keep it from the series that sync-1m-top is at.",
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
    mayOverrun: "after an outage a run fetches hours of candles; Forbid holds the next one back meanwhile",
  },
  {
    name: "sync-15m",
    why: "Quarter-hour candles, right after they close.",
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
    why: "Hourly candles, right after they close.",
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
    why: "Four-hour candles, an hour after they close; the daily run at 01:00 is one of the six.",
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
    why: "Daily candles; two hours after midnight the exchange has settled them.",
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
    why: "Indexes, leaves and storage settings are brought to what they should be, a few operations an hour.",
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
    why: "A pod that can never start holds its CronJob back until somebody takes it away.",
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
    why: "The last timestamps are held against the stored candles: they follow deletes and restores too.",
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
    why: "Statistics of what changes most stay right, those of the partitioned parents too, which autovacuum never sees.",
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
    why: "What a sync could not get is asked for again, beside the minute jobs' budget.",
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
    why: "Once a day the stored candles are held against themselves: spans, gaps, coarse against fine.",
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
    why: "Four times a day somebody looks at data and jobs as a whole, and says so by its exit code.",
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
