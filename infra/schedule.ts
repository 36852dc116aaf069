import { Cron } from "croner";

/** Zone of every schedule; without one the controller's own would count. */
export const TIME_ZONE = "Etc/UTC";

/** By offset, which is TIME_ZONE's: going through the zone costs croner ten times as long. */
const OPTIONS = { utcOffset: 0, mode: "5-part", paused: true } as const;

/** Five fields as Kubernetes takes them: no seconds, no zones, none of the extensions (H, L, W, #) of other tools. */
const FIELD = "[\\d*,/-]+";
const MONTH = `(${FIELD}|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)+`;
const DAY = `(${FIELD}|sun|mon|tue|wed|thu|fri|sat)+`;
const FIELDS = new RegExp(`^${FIELD} ${FIELD} ${FIELD} ${MONTH} ${DAY}$`, "i");
const REMEDY = "write five fields, e.g. */15 * * * *";

/** Whatever repeats within an hour, a day or a month has come back by then. */
const SAMPLES = 32;

/** What is wrong with a schedule, null where nothing is. */
export function faultOfSchedule(schedule: string): string | null {
  if (!FIELDS.test(schedule)) return `"${schedule}" is no cron expression of five fields; ${REMEDY}`;
  try {
    const cron = new Cron(schedule, OPTIONS);
    return cron.nextRun(new Date("2026-01-01T00:00:00Z")) === null
      ? `"${schedule}" never runs; name a day that exists`
      : null;
  } catch (error) {
    return `"${schedule}" is no cron expression: ${error instanceof Error ? error.message : String(error)}; ${REMEDY}`;
  }
}

/** The next starts of a schedule after `from`. */
export function nextRuns(schedule: string, from: Date, count: number): readonly Date[] {
  return new Cron(schedule, OPTIONS).nextRuns(count, from);
}

const periods = new Map<string, number>();

/** Shortest time between two starts, in seconds, over the first SAMPLES of a fixed year. */
export function shortestPeriod(schedule: string): number {
  const known = periods.get(schedule);
  if (known !== undefined) return known;
  const runs = nextRuns(schedule, new Date("2026-01-01T00:00:00Z"), SAMPLES);
  let shortest = Number.POSITIVE_INFINITY;
  for (const [index, run] of runs.entries()) {
    const before = runs[index - 1];
    if (before !== undefined) shortest = Math.min(shortest, (run.getTime() - before.getTime()) / 1000);
  }
  periods.set(schedule, shortest);
  return shortest;
}
