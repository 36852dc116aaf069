import { slotAtOrAfter, slotOf } from "../candle/interval.ts";
import { type Span, spanOf } from "../candle/span.ts";
import { WIDTH_MS } from "../contract/intervals.ts";
import { type Coverage, findLongestGaps, sumGaps } from "../db/coverage.ts";
import { findNewest } from "../db/read.ts";
import type { OwnClient } from "../db/session.ts";
import { coveredPart, isTold, type SpanFacts, tallyOf } from "./missing.ts";

/** So many gaps are cut out of the spans that a note names. */
const SHOWN_GAPS = 3;

/** A span as it was asked for, in ms; null where a bound is not given. `now`: the database's clock. */
export type AskedSpan = {
  readonly from: number | null;
  readonly to: number | null;
  readonly last: number | null;
  readonly now: number;
};

/** What is known of a series before its first row is read. `from`: where reading begins, null for the first candle. */
export type Look = SpanFacts & { readonly coinId: number; readonly from: number | null };

/** Finds where the rows begin, and what of the span is missing. */
export async function lookAt(
  client: OwnClient,
  series: Coverage,
  { from, to, last, now }: AskedSpan,
): Promise<Look> {
  const { covered, interval } = series;
  const newest = last === null ? null : await findNewest(client, series, { from, to, most: last });
  // where there are fewer candles than asked for, the span begins where it was asked to begin
  const isCut = newest !== null && newest.start !== null && (from === null || newest.count === last);
  const start = isCut ? newest.start : from;
  // a misaligned candle of 2017 or 2018 belongs to the slot that holds its open time
  const round = isCut ? slotOf : slotAtOrAfter;
  const closed = slotOf(interval, now);
  const end = slotAtOrAfter(interval, Math.min(to ?? Number.POSITIVE_INFINITY, closed));
  // where not one candle is stored before the end, all the newest that were asked for are missing
  const begin =
    start ?? (last === null ? (covered?.from ?? end) : Math.max(0, end - last * WIDTH_MS[interval]));
  const asked = spanOf(round(interval, begin), end);
  const part = coveredPart({ asked, covered });
  const gaps = part === null ? [] : await sumGaps(client, series, part);
  const counted = await findCounted(client, series, { part, to });
  const facts = { ...series, asked, counted, closed, gaps, longest: { gaps: [], count: 0 }, from: start };
  if (covered === null || !isTold(facts, tallyOf(covered))) return facts;
  const longest = await findLongestGaps(client, series, { ...(asked ?? covered), most: SHOWN_GAPS });
  return { ...facts, longest };
}

/**
 * The whole slots of the covered part whose rows are read before `to`. Where `to` lies within a slot, a misaligned candle
 * of that slot may open behind it: the slot is left out then, for its candle is stored and not read.
 */
async function findCounted(
  client: OwnClient,
  series: Coverage,
  { part, to }: { readonly part: Span | null; readonly to: number | null },
): Promise<Span | null> {
  if (part === null) return null;
  const { interval } = series;
  const whole = spanOf(slotAtOrAfter(interval, part.from), slotOf(interval, part.to));
  if (whole === null || to === null || to >= whole.to) return whole;
  const behind = await findNewest(client, series, { from: to, to: whole.to, most: 1 });
  return behind.count === 0 ? whole : spanOf(whole.from, slotOf(interval, to));
}
