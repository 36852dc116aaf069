import { slotAtOrAfter, slotOf } from "../candle/interval.ts";
import { spanOf } from "../candle/span.ts";
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
  const facts = { ...series, asked, closed, gaps, longest: { gaps: [], count: 0 }, from: start };
  if (covered === null || !isTold(facts, tallyOf(covered))) return facts;
  const longest = await findLongestGaps(client, series, { ...(asked ?? covered), most: SHOWN_GAPS });
  return { ...facts, longest };
}
