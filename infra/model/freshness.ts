import { INTERVALS, type Interval } from "@r3a/runner/contract/intervals";
import type { ResolvedJob } from "./resolve-jobs.ts";
import { sampleStarts, shortestPeriod } from "./schedule.ts";

/** Ages of an interval's newest close, in seconds, at which health warns and fails. */
export type FreshnessLimit = { readonly interval: Interval; readonly warn: number; readonly error: number };

const WIDTH_SECONDS: Readonly<Record<Interval, number>> = {
  "1m": 60,
  "15m": 900,
  "1h": 3_600,
  "4h": 14_400,
  "1d": 86_400,
};

/**
 * What a run may take after its start, and what may go wrong besides before somebody is called, by the time between
 * two starts. 30 min is the team's own bound for hourly and daily jobs; a minute job fetches for minutes after an outage.
 */
const ALLOWANCES = [
  { period: 60, run: 180, grace: 360 },
  { period: 900, run: 1_200, grace: 1_500 },
  { period: 3_600, run: 1_800, grace: 3_600 },
  { period: Number.POSITIVE_INFINITY, run: 1_800, grace: 1_800 },
] as const;

/**
 * The limits of every interval that a job syncs: WARN is the oldest that its newest candle is while all is well (the
 * wait for the next start, and that run), ERROR the grace more. An interval that no job syncs is left out.
 */
export function freshnessLimits(jobs: readonly ResolvedJob[]): readonly FreshnessLimit[] {
  return INTERVALS.flatMap((interval) => {
    const syncs = jobs.filter(({ command }) => command[0] === "sync" && command[1] === interval);
    // a job of the largest markets alone says nothing of the other series
    const whole = syncs.filter(({ command }) => command.length === 2);
    const limits = (whole.length > 0 ? whole : syncs).map((job) => limitOf(job, interval));
    const [tightest] = limits.toSorted((a, b) => a.warn - b.warn);
    return tightest === undefined ? [] : [tightest];
  });
}

/** As `FRESHNESS_LIMITS`: `1m=240/600,15m=2100/3600`. */
export function renderFreshnessLimits(jobs: readonly ResolvedJob[]): string {
  return freshnessLimits(jobs)
    .map(({ interval, warn, error }) => `${interval}=${warn}/${error}`)
    .join(",");
}

function limitOf(job: ResolvedJob, interval: Interval): FreshnessLimit {
  const every = job.runMode === "deployment" ? job.repeatsEverySeconds : undefined;
  const period = every ?? shortestPeriod(job.schedule);
  const width = WIDTH_SECONDS[interval];
  const allowance = ALLOWANCES.find((each) => period <= each.period) ?? ALLOWANCES[3];
  const wait = every === undefined ? longestWait(job.schedule, period, width) : Math.max(every, width);
  const warn = wait + allowance.run;
  return { interval, warn, error: warn + allowance.grace };
}

/** Longest time from a close to the second start after it, which stores the next one: max(period, width) + offset. */
function longestWait(schedule: string, period: number, width: number): number {
  const starts = sampleStarts(schedule, Math.ceil(width / period) + 2);
  const waits = starts.slice(1).map((start, index) => {
    const before = starts[index] ?? start;
    return start - Math.floor(before / width) * width;
  });
  return Math.max(...waits);
}
