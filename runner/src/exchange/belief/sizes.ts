import { isInterval } from "../../candle/interval.ts";
import { PAGE_CANDLES } from "../../candle/page.ts";
import type { Span } from "../../candle/span.ts";
import { type Interval, WIDTH_MS } from "../../contract/intervals.ts";
import { garbage } from "../failure.ts";
import { pickEntries } from "./pick-entries.ts";

/** What may come for a question: bytes as sent and inflated, and how they become the text that is parsed. */
export type Expectation = { readonly bytes: number; readonly read: (body: Buffer) => string };

const KB = 1_000;
const MB = 1_000_000;
/** Of `/api/v3/time`, and what any answer may bring around its rows. */
const SMALL = 64 * KB;
/** 3,500 symbols of 1.9 kB are 7 MB: what they permit (10 MB more) is asked to be left out. An answer is held twice. */
const LISTINGS = 10 * MB;
/** 3,500 symbols of 0.3 kB are 1 MB. */
const VOLUMES = 3 * MB;
/** Of each candle that was asked for: a real row has 0.2 kB. Sixty pages are held at once beside a heap of 64 MB. */
const ROW = 500;
/** A real page of 1000 has 0.2 MB. Below this even a body of nothing but `[],` takes a few megabytes only. */
const UNCHECKED = 256 * KB;
/** A page has 14,000 commas and brackets. A million lists of nothing would be 40 MB, a million names of fields 100. */
const MOST_TOKENS = 40_000;

const LISTING_FIELDS = ["symbol", "status", "baseAsset", "quoteAsset"];
const VOLUME_FIELDS = ["symbol", "quoteVolume"];

/** What may come from this address of the exchange. */
export function expectationOf(address: string): Expectation {
  const { pathname, searchParams } = new URL(address);
  if (pathname.endsWith("/exchangeInfo"))
    return { bytes: LISTINGS, read: (body) => pickEntries(body, "symbols", LISTING_FIELDS) };
  if (pathname.endsWith("/ticker/24hr"))
    return { bytes: VOLUMES, read: (body) => pickEntries(body, null, VOLUME_FIELDS) };
  if (!pathname.endsWith("/klines")) return { bytes: SMALL, read: readWhole };
  const [from, to] = [Number(searchParams.get("startTime")), Number(searchParams.get("endTime") ?? 0)];
  const interval = searchParams.get("interval") ?? "";
  const slots = isInterval(interval) && to > from ? Math.ceil((to - from) / WIDTH_MS[interval]) : 1;
  return { bytes: SMALL + Math.min(slots, PAGE_CANDLES) * ROW, read: readWhole };
}

/** Rows that may come for a span: some more than it has slots, since misaligned candles share one; never above a page. */
export function mostRows(interval: Interval, span: Span): number {
  return Math.min(PAGE_CANDLES, 100 + (4 * (span.to - span.from)) / WIDTH_MS[interval]);
}

/**
 * The rows of an answer; garbage where there are more than can be. An exchange that sends some rows twice has been seen,
 * so rows of one open time count once, up to twice as many rows as can be.
 */
export function believeRows(rows: readonly unknown[], interval: Interval, span: Span): readonly unknown[] {
  const most = mostRows(interval, span);
  if (rows.length <= most) return rows;
  const opens = new Set(rows.slice(0, 2 * most).map((row) => (Array.isArray(row) ? row[0] : row)));
  if (rows.length > 2 * most || opens.size > most)
    throw garbage(`${rows.length} rows came where at most ${most} can be`);
  return rows;
}

function readWhole(body: Buffer): string {
  if (body.length > UNCHECKED && countTokens(body) > MOST_TOKENS)
    throw garbage(`the answer has more than ${MOST_TOKENS} parts`);
  return body.toString("utf8");
}

/** Commas and opening brackets outside of texts: what JSON makes objects of. */
function countTokens(body: Buffer): number {
  let tokens = 0;
  let isText = false;
  for (let index = 0; index < body.length && tokens <= MOST_TOKENS; index += 1) {
    const byte = body[index];
    if (byte === 0x22) isText = !isText;
    else if (isText && byte === 0x5c) index += 1;
    else if (!isText && (byte === 0x2c || byte === 0x5b || byte === 0x7b)) tokens += 1;
  }
  return tokens;
}
