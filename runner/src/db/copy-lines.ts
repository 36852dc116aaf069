import { type Candle, isMisaligned, MISALIGNED } from "../candle/candle.ts";
import type { Interval } from "../contract/intervals.ts";
import { DAY_MS } from "../time.ts";

/** Rows of one series that are to be written into the table. */
export type CandleBatch = { readonly coinId: number; readonly candles: readonly Candle[] };

/** The columns of the candle table in the order in which `renderCopyLines` writes them. */
export const COPY_COLUMNS = `coin_id, "interval", "timestamp", open, high, low, close, volume, quote_volume, trades, taker_base,
  taker_quote, close_time, source, flags`;

/** The names of these columns. */
export const COPY_COLUMN_NAMES = COPY_COLUMNS.split(",").map((column) => column.trim().replaceAll('"', ""));

/** A buffer of about 350 lines. */
const BUFFER_BYTES = 65_536;
/**
 * No line is longer than this: eight decimals of at most 62 characters (`parseCandle`), two times, and seven short
 * fields.
 */
const LINE_BYTES = 1_024;

const [TAB, NEWLINE, POINT, ZERO, COLON, Z] = [9, 10, 46, 48, 58, 90];

/**
 * Candles as lines of COPY's text format, with the columns in the order of COPY_COLUMNS. They are written byte by byte
 * into buffers: joining strings for each line, and collecting them as garbage, took a third of a backfill's processor
 * time. Every field was checked to be a decimal or an integer, so nothing needs an escape.
 */
export function* renderCopyLines(interval: Interval, batches: readonly CandleBatch[]): Generator<Buffer> {
  let bytes = Buffer.allocUnsafe(BUFFER_BYTES);
  let at = 0;
  for (const { coinId, candles } of batches) {
    const series = `${coinId}\t${interval}`;
    for (const candle of candles) {
      if (at + LINE_BYTES > BUFFER_BYTES) {
        yield bytes.subarray(0, at);
        bytes = Buffer.allocUnsafe(BUFFER_BYTES);
        at = 0;
      }
      at = putText(bytes, at, series);
      at = putTime(bytes, at, candle.openTime);
      at = putText(bytes, at, candle.open);
      at = putText(bytes, at, candle.high);
      at = putText(bytes, at, candle.low);
      at = putText(bytes, at, candle.close);
      at = putText(bytes, at, candle.volume);
      at = putText(bytes, at, candle.quoteVolume);
      at = putText(bytes, at, String(candle.trades));
      at = putText(bytes, at, candle.takerBase);
      at = putText(bytes, at, candle.takerQuote);
      at = putTime(bytes, at, candle.closeTime);
      at = putText(bytes, at, "rest");
      at = putText(bytes, at, isMisaligned(interval, candle.openTime) ? String(MISALIGNED) : "0");
      bytes[at - 1] = NEWLINE;
    }
  }
  if (at > 0) yield bytes.subarray(0, at);
}

/** Writes ASCII text and a tab; returns the place behind them. */
function putText(bytes: Buffer, start: number, text: string): number {
  let at = start;
  for (let index = 0; index < text.length; index += 1) bytes[at++] = text.charCodeAt(index);
  bytes[at] = TAB;
  return at + 1;
}

/** Writes a time as ISO 8601 in UTC with milliseconds, and a tab. */
function putTime(bytes: Buffer, start: number, ms: number): number {
  const day = Math.floor(ms / DAY_MS);
  const seconds = Math.floor((ms - day * DAY_MS) / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  let at = putText(bytes, start, dateText(day)) - 1;
  at = putTwo(bytes, at, hours, COLON);
  at = putTwo(bytes, at, minutes % 60, COLON);
  at = putTwo(bytes, at, seconds % 60, POINT);
  const millis = ms % 1000;
  bytes[at] = ZERO + Math.floor(millis / 100);
  at = putTwo(bytes, at + 1, millis % 100, Z);
  bytes[at] = TAB;
  return at + 1;
}

/** Writes two digits and the character behind them. */
function putTwo(bytes: Buffer, at: number, value: number, next: number): number {
  const tens = Math.floor(value / 10);
  bytes[at] = ZERO + tens;
  bytes[at + 1] = ZERO + value - 10 * tens;
  bytes[at + 2] = next;
  return at + 3;
}

let lastDate = { day: Number.NaN, text: "" };

/** `YYYY-MM-DDT` of a day since the epoch. The last day is remembered, since up to 1,440 neighbours share it. */
function dateText(day: number): string {
  if (day !== lastDate.day) lastDate = { day, text: new Date(day * DAY_MS).toISOString().slice(0, 11) };
  return lastDate.text;
}
