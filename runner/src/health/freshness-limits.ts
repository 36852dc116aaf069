import { INTERVALS, type Interval } from "../contract/intervals.ts";
import type { FreshnessLimits } from "../settings/lists.ts";
import { parseSettings } from "../settings/parse.ts";

/**
 * Ages (s) of the newest close at which an interval warns and fails, where FRESHNESS_LIMITS says nothing else; for the
 * schedules of the design. With schedule period P, width I, a run that starts `offset` after a close and takes `run`
 * at most, the oldest healthy age is max(P, I) + offset + run: that is WARN. ERROR = WARN + grace.
 *
 *      schedule        max(P, I)  offset    run    WARN   grace    ERROR
 * 1m   every minute           60       0    180     240     360      600   a run after an outage takes minutes
 * 15m  every 15 min          900       0  1,200   2,100   1,500    3,600   one missed run and a slow next one
 * 1h   hourly              3,600       0  1,800   5,400   3,600    9,000   one missed run
 * 4h   01:00, 05:00, ...  14,400   3,600  1,800  19,800   1,800   21,600   six hours
 * 1d   daily at 02:00     86,400   7,200  1,800  95,400   1,800   97,200   the team's 26 hours, and one more
 *
 * `run` is the team's own bound of 30 min for hourly and daily jobs.
 */
export const DEFAULT_FRESHNESS_LIMITS = "1m=240/600,15m=2100/3600,1h=5400/9000,4h=19800/21600,1d=95400/97200";

/** Ages in ms for every interval: those that are set, else the defaults. */
export function resolveLimits(set: FreshnessLimits | null): Readonly<Record<Interval, AgeLimits>> {
  const defaults = parseSettings({ FRESHNESS_LIMITS: DEFAULT_FRESHNESS_LIMITS }, ["freshnessLimits"]);
  const entries = INTERVALS.map((interval) => {
    const limits = set?.[interval] ?? defaults.freshnessLimits?.[interval];
    if (limits === undefined) throw new Error(`DEFAULT_FRESHNESS_LIMITS lacks ${interval}`);
    return [interval, limits] as const;
  });
  return Object.fromEntries(entries) as Record<Interval, AgeLimits>;
}

export type AgeLimits = NonNullable<FreshnessLimits[Interval]>;
