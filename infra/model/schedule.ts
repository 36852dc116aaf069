import { Cron } from "croner";

/** Zone of every schedule; without a zone Kubernetes would take that of the controller. */
export const TIME_ZONE = "Etc/UTC";

/** The offset of TIME_ZONE instead of its name: with the name croner takes ten times as long. */
const OPTIONS = { utcOffset: 0, mode: "5-part", paused: true } as const;

/** Five fields as Kubernetes takes them: no seconds, no zones, none of the extensions (H, L, W, #) of other tools. */
const FIELD = "[\\d*,/-]+";
const MONTH = `(${FIELD}|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)+`;
const DAY = `(${FIELD}|sun|mon|tue|wed|thu|fri|sat)+`;
const FIELDS = new RegExp(`^${FIELD} ${FIELD} ${FIELD} ${MONTH} ${DAY}$`, "i");
const REMEDY = "write five fields, e.g. */15 * * * *";

/** Enough starts to see each pattern that repeats within an hour, a day or a month. */
const SAMPLES = 32;
const EPOCH = new Date("2026-01-01T00:00:00Z");

/**
 * What is wrong with a schedule; null: nothing. The message never has the text, which may be a secret under a wrong
 * key.
 */
export function faultOfSchedule(schedule: string): string | null {
  if (!FIELDS.test(schedule)) return `is no cron expression of five fields; ${REMEDY}`;
  try {
    return sampleStarts(schedule).length === 0 ? "never runs; name a day that exists" : null;
  } catch (error) {
    return `is no cron expression: ${error instanceof Error ? error.message : String(error)}; ${REMEDY}`;
  }
}

/** The next starts of a schedule after `from`. */
export function nextRuns(schedule: string, from: Date, count: number): readonly Date[] {
  return new Cron(schedule, OPTIONS).nextRuns(count, from);
}

const samples = new Map<string, readonly number[]>();

/**
 * The first starts of a fixed year in seconds: SAMPLES of them, or `count` if that is more. The answers are kept,
 * because each job of each environment asks three times, which took 15 ms of a synth.
 */
export function sampleStarts(schedule: string, count = SAMPLES): readonly number[] {
  const known = samples.get(schedule);
  if (known !== undefined && count <= SAMPLES) return known;
  const starts = nextRuns(schedule, EPOCH, Math.max(SAMPLES, count)).map((run) => run.getTime() / 1000);
  if (count <= SAMPLES) samples.set(schedule, starts);
  return starts;
}

/** Shortest time between two starts, in seconds, over the first SAMPLES of a fixed year. */
export function shortestPeriod(schedule: string): number {
  const starts = sampleStarts(schedule);
  return Math.min(...starts.slice(1).map((start, index) => start - (starts[index] ?? start)));
}
