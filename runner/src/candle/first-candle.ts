import type { Interval } from "../contract/intervals.ts";
import { DAY_MS, HOUR_MS } from "../time.ts";
import { EARLIEST_MS } from "./candle.ts";
import { slotOf } from "./interval.ts";

/**
 * Why the first candle of a symbol is believed; times in ms by the exchange's clock. `since`: the first answer that
 * said so, `askedAt`: the last one. `refuted`: later times that were believed before, oldest first.
 */
export type FirstEvidence = {
  readonly askedAt: number;
  readonly since: number;
  readonly exchange: string;
  readonly refuted: readonly number[];
};

/** What the question "is the believed first candle still the first?" needs of a series; times in ms. */
export type FirstFacts = {
  readonly interval: Interval;
  readonly firstCandle: number | null;
  readonly firstEvidence?: FirstEvidence | null;
  /** Open time of the newest stored candle. */
  readonly lastTs: number | null;
};

/**
 * How eagerly a run asks again. `always`: backfill and `gaps --repair --all`, once a run. `daily`: a sync that wants
 * everything since FALLBACK_START. `due`: a repair, where a stretch before the listing is due. `at-times`: every other run.
 */
export type FirstPolicy = "always" | "daily" | "due" | "at-times";

/** `must`: without an answer the series cannot be planned. `should`: this run asks. `may`: a few coins of each run do. */
export type FirstNeed = "must" | "should" | "may" | "no";

/** Two answers this far apart prove something; two in a row only prove the same cache. */
const PROOF_DISTANCE_MS = HOUR_MS;
const RECHECK_MS = 30 * DAY_MS;
/** As many wrong answers of the past are remembered; each may be where some series of the symbol begins. */
const MOST_REFUTED = 5;

/** Whether a stored time can be a first candle at all: NaN stands for what a Date cannot hold, infinity among it. */
export function isPossibleFirst(openTime: number | null, now: number): openTime is number {
  return openTime !== null && openTime >= EARLIEST_MS && openTime <= now;
}

/** Whether this run asks for the symbol's first candle. `startedAt`: when the run began, by the exchange's clock. */
export function needOfFirst(
  facts: FirstFacts,
  policy: FirstPolicy,
  now: number,
  startedAt: number,
): FirstNeed {
  const { interval, firstCandle, firstEvidence, lastTs } = facts;
  if (!isPossibleFirst(firstCandle, now)) return "must";
  if (lastTs === null || lastTs < slotOf(interval, firstCandle)) return "should";
  // a repair asks where a stretch before the listing is due, and for nothing else
  if (policy === "due") return "no";
  if (!firstEvidence) return policy === "at-times" ? "may" : "should";
  const { askedAt, since } = firstEvidence;
  const isAnsweredInRun = askedAt >= startedAt && askedAt <= now;
  const isProven = askedAt - since >= PROOF_DISTANCE_MS;
  // an answer from beyond now says nothing of when to ask again
  const age = askedAt <= now ? now - askedAt : Number.POSITIVE_INFINITY;
  if (isAnsweredInRun) return "no";
  if (policy === "always") return "should";
  if (policy === "daily") return !isProven || age >= DAY_MS ? "should" : "no";
  return age >= (isProven ? RECHECK_MS : PROOF_DISTANCE_MS) ? "may" : "no";
}

/**
 * What is believed after an answer: the earlier of the two, since an exchange that shows less of its past than before
 * refutes nothing. A time that was believed and is too late is remembered.
 */
export function judgeFirst(
  { firstCandle, firstEvidence }: FirstFacts,
  answer: number,
  now: number,
  exchange: string,
): { readonly firstCandle: number; readonly firstEvidence: FirstEvidence } {
  const refuted = firstEvidence?.refuted ?? [];
  if (isPossibleFirst(firstCandle, now) && firstCandle <= answer) {
    const since = firstCandle === answer ? (firstEvidence?.since ?? now) : now;
    return { firstCandle, firstEvidence: { askedAt: now, since, exchange, refuted } };
  }
  const wrong = firstCandle !== null && Number.isFinite(firstCandle) ? [firstCandle] : [];
  return {
    firstCandle: answer,
    firstEvidence: {
      askedAt: now,
      since: now,
      exchange,
      refuted: [...refuted, ...wrong].slice(-MOST_REFUTED),
    },
  };
}
