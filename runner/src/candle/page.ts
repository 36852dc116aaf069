import { type Interval, WIDTH_MS } from "../contract/intervals.ts";
import { type Candle, isRejected, parseCandle, type Rejected, rejectRow } from "./candle.ts";
import { slotOf } from "./interval.ts";
import { printable } from "./printable.ts";
import { hull, type Span, spanOf, split } from "./span.ts";

/** Candles of one request: the spot maximum; weight 2 at any size, so less only wastes. */
export const PAGE_CANDLES = 1000;

/** Broken rows of a page whose whole text is kept: with 1000 of them 60 series took more memory than a job has. */
const SHOWN_WHOLE = 50;

export function pageMs(interval: Interval): number {
  return PAGE_CANDLES * WIDTH_MS[interval];
}

/** One parsed answer: closed candles ascending by open time, one per open time, and the rows that must not be stored. */
export type ParsedPage = {
  readonly candles: readonly Candle[];
  readonly rejected: ReadonlyMap<number, Rejected>;
  /** Most rows are at most half as wide as the interval: the answer is to another question. */
  readonly isFiner: boolean;
};

/** So few rows can be a halt of the exchange, which cuts a candle short. */
const FEW_ROWS = 3;

/**
 * Sorts an answer into closed candles of `span` and broken rows. Running candles (own close time not before `now`,
 * the exchange's clock) and rows outside the span are dropped; of two rows with one open time the later one counts. A row
 * that is wider than the interval is broken: an answer from a cache for 1d would fill 1m, and nothing would notice.
 */
export function parsePage(interval: Interval, span: Span, rows: readonly unknown[], now: number): ParsedPage {
  const width = WIDTH_MS[interval];
  let short = 0;
  const candles: Candle[] = [];
  let isAscending = true;
  const rejected = new Map<number, Rejected>();
  // the rest of a page begins within a slot
  let previousSlot = slotOf(interval, span.from - 1);
  for (const row of rows) {
    const parsed = holdWidth(parseCandle(row, now), row, width);
    if (isRejected(parsed)) {
      // a row whose own time is unusable is laid where it came: behind its neighbour
      const slot = slotOfBroken(interval, span, row) ?? previousSlot + width;
      if (slot < span.to) rejected.set(slot, rejected.size < SHOWN_WHOLE ? parsed : cutRaw(parsed));
      previousSlot = slot;
      continue;
    }
    previousSlot = slotOf(interval, parsed.openTime);
    if (2 * (parsed.closeTime - parsed.openTime + 1) <= width) short += 1;
    if (parsed.closeTime >= now || parsed.openTime < span.from || parsed.openTime >= span.to) continue;
    isAscending &&= parsed.openTime > (candles.at(-1)?.openTime ?? 0);
    candles.push(parsed);
  }
  const isFiner = rows.length >= FEW_ROWS && 2 * short > rows.length;
  return { candles: isAscending ? candles : sortOnce(candles), rejected, isFiner };
}

function holdWidth(parsed: Candle | Rejected, row: unknown, width: number): Candle | Rejected {
  if (isRejected(parsed) || parsed.closeTime - parsed.openTime < width) return parsed;
  return rejectRow(row, "closes later than its interval allows");
}

function cutRaw({ reason, raw }: Rejected): Rejected {
  return { reason, raw: printable(raw, 60) };
}

/** Ascending by open time; of two with one open time the later one counts. */
export function sortOnce(candles: readonly Candle[]): Candle[] {
  const last = new Map(candles.map((candle) => [candle.openTime, candle]));
  return [...last.values()].toSorted((a, b) => a.openTime - b.openTime);
}

function slotOfBroken(interval: Interval, span: Span, row: unknown): number | null {
  const openTime: unknown = Array.isArray(row) ? row[0] : null;
  // asked this way round, since nothing holds of NaN
  return typeof openTime === "number" && openTime >= span.from && openTime < span.to
    ? slotOf(interval, openTime)
    : null;
}

/** Slots (ascending, each once) that the candles fill. */
export function listSlots(interval: Interval, candles: readonly Candle[]): number[] {
  const slots: number[] = [];
  for (const { openTime } of candles) {
    const slot = slotOf(interval, openTime);
    if (slot !== slots.at(-1)) slots.push(slot);
  }
  return slots;
}

/** A window cut into requests, oldest first; `backwards`: newest first, so that each page touches what is stored. */
export function splitPages(interval: Interval, window: Span, backwards = false): Span[] {
  const length = pageMs(interval);
  if (!backwards) return split(window, length);
  const pages: Span[] = [];
  for (let to = window.to; to > window.from; to -= length)
    pages.push({ from: Math.max(window.from, to - length), to });
  return pages;
}

/** Requests that cover the gaps, neighbours of one page's length together: a request weighs 2 at any size. */
export function planGapPages(interval: Interval, gaps: readonly Span[]): Span[] {
  const length = pageMs(interval);
  const pages: Span[] = [];
  for (const gap of gaps.toSorted((a, b) => a.from - b.from)) {
    const last = pages.at(-1);
    if (last !== undefined && Math.max(gap.to, last.to) - last.from <= length)
      pages[pages.length - 1] = hull(last, gap);
    else pages.push(gap);
  }
  return pages.flatMap((page) => splitPages(interval, page));
}

/** The rest of a page after an answer that was full before the span's end (misaligned rows share a slot). */
export function restOf(interval: Interval, span: Span, rows: readonly unknown[]): Span | null {
  if (rows.length < PAGE_CANDLES) return null;
  const last = rows.at(-1);
  const openTime: unknown = Array.isArray(last) ? last[0] : null;
  if (typeof openTime !== "number" || openTime < span.from) return null;
  const isEnd = slotOf(interval, openTime) + WIDTH_MS[interval] >= span.to;
  return isEnd ? null : spanOf(openTime + 1, span.to);
}
