import { Cron } from "croner";

/** The zone of every schedule of the suite is UTC. */
const OPTIONS = { utcOffset: 0, mode: "5-part", paused: true } as const;

/**
 * The latest `count` times (ms, UTC), newest first, at which a schedule of Kubernetes was due at or before `ms`. None
 * where the schedule is never due or cannot be read.
 */
export function listLastStarts(schedule: string, ms: number, count: number): readonly number[] {
  const cron = parseSchedule(schedule);
  // croner leaves out a start that is exactly at the given moment
  return cron?.previousRuns(count, new Date(ms + 1)).map((start) => start.getTime()) ?? [];
}

function parseSchedule(schedule: string): Cron | null {
  try {
    return new Cron(schedule, OPTIONS);
  } catch {
    return null; // croner throws for a text that is no schedule, and for nothing else
  }
}
