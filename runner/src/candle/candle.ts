import { type Interval, WIDTH_MS } from "../contract/intervals.ts";
import { DAY_MS } from "../time.ts";
import { excerptOf, printable } from "./printable.ts";

/**
 * One candle, decimals as the text that the exchange sent: floats lose digits (48 of 72 hourly volume sums differ),
 * and `numeric` keeps text exactly. Times are epoch milliseconds.
 */
export type Candle = {
  readonly openTime: number;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  readonly volume: string;
  readonly closeTime: number;
  readonly quoteVolume: string;
  readonly trades: number;
  readonly takerBase: string;
  readonly takerQuote: string;
};

/** A row that must not be stored, with the reason and its raw text as evidence. */
export type Rejected = { readonly reason: string; readonly raw: string };

/** The exchange began in 2017; a smaller time is a unit error. */
export const EARLIEST_MS = Date.UTC(2017, 0, 1);
/** Real ones have at most 23 digits; the bound lets a line fit into its buffer. */
const DECIMAL = /^-?\d{1,30}(\.\d{1,30})?$/;
/** The raw text of a broken row is kept for a person to read, not for a machine to replay. */
const RAW_LIMIT = 500;

/** Bit in `flags`: the open time is not on a slot boundary (real rows of 2017/18; kept, never snapped). */
export const MISALIGNED = 1;

export function isMisaligned(interval: Interval, openTime: number): boolean {
  return openTime % WIDTH_MS[interval] !== 0;
}

/**
 * Checks one 12-field row of the exchange: shape, finite decimals, prices above 0, low <= open,close <= high, no negative
 * volume, opened between 2017 and `now` (ms, the exchange's clock), and closes within a day from it: the candle that runs
 * is in most answers. Never throws: a broken row is an answer too.
 */
export function parseCandle(row: unknown, now: number): Candle | Rejected {
  const reject = (reason: string) => rejectRow(row, reason);
  if (!Array.isArray(row) || row.length < 11) return reject("not a row of 12 fields");
  const [openTime, closeTime, trades] = [row[0], row[6], row[8]];
  if (!isTime(openTime, now) || !isTime(closeTime, now + DAY_MS)) return reject("time outside 2017 .. now");
  if (closeTime < openTime) return reject("closes before it opens");
  // fields 1 to 5, 7, 9 and 10, by index: a list of them for each of a million rows would be the garbage of the job
  for (let field = 1; field <= 10; field += 1) {
    if (field === 6 || field === 8) continue;
    const value: unknown = row[field];
    if (typeof value !== "string" || !DECIMAL.test(value))
      return reject(
        `not a decimal: ${typeof value === "string" ? printable(value, 40) : excerptOf(value, 40)}`,
      );
  }
  // Number() rounds monotonically, so it can hide a violation below one part in 10^16 but never invent one
  const [o, h, l, c] = [Number(row[1]), Number(row[2]), Number(row[3]), Number(row[4])];
  if (!(l > 0)) return reject("a price is not above 0");
  if (l > o || l > c || h < o || h < c) return reject("low <= open,close <= high does not hold");
  if (row[5].startsWith("-") || row[7].startsWith("-")) return reject("negative volume");
  if (row[9].startsWith("-") || row[10].startsWith("-")) return reject("negative taker volume");
  if (!Number.isSafeInteger(trades) || trades < 0) return reject("trade count is not a natural number");
  return {
    openTime,
    open: row[1],
    high: row[2],
    low: row[3],
    close: row[4],
    volume: row[5],
    closeTime,
    quoteVolume: row[7],
    trades,
    takerBase: row[9],
    takerQuote: row[10],
  };
}

/** The row as evidence, its text bounded. */
export function rejectRow(row: unknown, reason: string): Rejected {
  return { reason, raw: excerptOf(row, RAW_LIMIT) };
}

export function isRejected(parsed: Candle | Rejected): parsed is Rejected {
  return "reason" in parsed;
}

function isTime(value: unknown, latest: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= EARLIEST_MS && (value as number) <= latest;
}
