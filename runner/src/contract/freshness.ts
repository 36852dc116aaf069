import { INTERVALS, type Interval } from "./intervals.ts";

/** Ages of an interval's newest close, in seconds, at which health warns and fails. */
export type FreshnessLimit = { readonly interval: Interval; readonly warn: number; readonly error: number };

/**
 * How long a run may take after its start (`run`), and how much later the candle may come before a person is called
 * (`grace`), by the time between two starts (`period`); all in seconds. 30 min is the team's own bound for hourly and
 * daily jobs. A minute job fetches for minutes after an outage; of the other jobs one run may fail.
 */
const ALLOWANCES = [
  { period: 60, run: 180, grace: 360 },
  { period: 900, run: 1_200, grace: 1_500 },
  { period: 3_600, run: 1_800, grace: 3_600 },
  { period: Number.POSITIVE_INFINITY, run: 1_800, grace: 1_800 },
] as const;

/**
 * The limits of one interval. WARN is the oldest age that the newest candle reaches while all is well: `wait`, from a
 * close to the start that stores the next candle, and the length of that run. ERROR is WARN and the grace. `period`:
 * the time between two starts. All in seconds.
 */
export function freshnessLimit(interval: Interval, period: number, wait: number): FreshnessLimit {
  const { run, grace } = ALLOWANCES.find((each) => period <= each.period) ?? ALLOWANCES[3];
  return { interval, warn: wait + run, error: wait + run + grace };
}

/** The form of FRESHNESS_LIMITS: `1m=240/600,15m=2100/3600`. */
export function renderFreshnessLimits(limits: readonly FreshnessLimit[]): string {
  return limits.map(({ interval, warn, error }) => `${interval}=${warn}/${error}`).join(",");
}

/**
 * The schedules of infra/model/jobs.ts in seconds; a test compares both. 4h starts an hour after a close, 1d at 02:00.
 */
const SCHEDULES: Readonly<Record<Interval, { readonly period: number; readonly wait: number }>> = {
  "1m": { period: 60, wait: 60 },
  "15m": { period: 900, wait: 900 },
  "1h": { period: 3_600, wait: 3_600 },
  "4h": { period: 14_400, wait: 14_400 + 3_600 },
  "1d": { period: 86_400, wait: 86_400 + 7_200 },
};

/** FRESHNESS_LIMITS where an environment does not set it. */
export const DEFAULT_FRESHNESS_LIMITS = renderFreshnessLimits(
  INTERVALS.map((interval) => {
    const { period, wait } = SCHEDULES[interval];
    return freshnessLimit(interval, period, wait);
  }),
);
