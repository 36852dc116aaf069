import type { CommandName } from "@r3a/runner/contract";

/** One CronJob. Every value is a setting: `jobs: {<name>: {...}}` of an environment changes it. */
export type Job = {
  /** The object is called `r3a-<name>`. */
  readonly name: string;
  readonly why: string;
  /** Cron expression, UTC. */
  readonly schedule: string;
  readonly command: readonly [CommandName, ...string[]];
  /** How late a start may be, in seconds; a later one is left out. */
  readonly startingDeadlineSeconds: number;
  /** The Job is ended after this, start and waits included. */
  readonly activeDeadlineSeconds: number;
  readonly backoffLimit: number;
  /** From SIGTERM to SIGKILL. */
  readonly terminationGracePeriodSeconds: number;
  /** Whether an init container waits for the database; without it the command itself waits. */
  readonly waitDb: boolean;
  /** Whether it may also run as a Deployment that repeats itself (`runMode: deployment`). */
  readonly repeatsEverySeconds?: number;
  /** Whether its series can be split over the pods of an Indexed Job. */
  readonly isSharded?: boolean;
  /** Why it may run for longer than its period. */
  readonly mayOverrun?: string;
};

/** From the creation of a Job to the command's first line, and a little more. */
export const START_UP_SECONDS = 5;

/** The first minutes of an hour belong to the syncs; what else leaves freedom keeps away from them. */
export const JOBS: readonly Job[] = [
  {
    name: "sync-1m-top",
    why: "The twenty largest markets are never more than a minute behind, whatever the other sixty do.",
    schedule: "* * * * *",
    command: ["sync", "1m", "--top", "20"],
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
    startingDeadlineSeconds: 300,
    activeDeadlineSeconds: 900,
    backoffLimit: 2,
    terminationGracePeriodSeconds: 30,
    waitDb: true,
    isSharded: true,
  },
  {
    name: "sync-4h",
    why: "The daily job over all symbols: six candles of each.",
    schedule: "0 1 * * *",
    command: ["sync", "4h"],
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
    startingDeadlineSeconds: 300,
    activeDeadlineSeconds: 900,
    backoffLimit: 2,
    terminationGracePeriodSeconds: 30,
    waitDb: true,
    isSharded: true,
  },
  {
    name: "gaps",
    why: "What a sync could not get is asked for again, beside the minute jobs' budget.",
    schedule: "7,37 * * * *",
    command: ["gaps", "--repair"],
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
    startingDeadlineSeconds: 14_400,
    activeDeadlineSeconds: 3_600,
    backoffLimit: 0,
    terminationGracePeriodSeconds: 30,
    waitDb: true,
  },
];
