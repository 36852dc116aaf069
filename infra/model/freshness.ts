import { type FreshnessLimit, freshnessLimit } from "@r3a/runner/contract/freshness";
import { INTERVALS, type Interval, WIDTH_MS } from "@r3a/runner/contract/intervals";
import type { ResolvedJob } from "./resolve-jobs.ts";
import { sampleStarts, shortestPeriod } from "./schedule.ts";

/** The limits of every interval that a job syncs; an interval that no job syncs is left out. */
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

function limitOf(job: ResolvedJob, interval: Interval): FreshnessLimit {
  const every = job.runMode === "deployment" ? job.repeatsEverySeconds : undefined;
  const period = every ?? shortestPeriod(job.schedule);
  const width = WIDTH_MS[interval] / 1000;
  const wait = every === undefined ? longestWait(job.schedule, period, width) : Math.max(every, width);
  return freshnessLimit(interval, period, wait);
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
