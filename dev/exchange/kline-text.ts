import type { MarketSymbol } from "./market.ts";
import { type CandleNumbers, slot } from "./minutes.ts";

/** One row of Binance's klines answer: times and the trade count are numbers, all other values text. */
export type KlineRow = [
  openTime: number,
  open: string,
  high: string,
  low: string,
  close: string,
  volume: string,
  closeTime: number,
  quoteVolume: string,
  trades: number,
  takerBase: string,
  takerQuote: string,
  unused: string,
];

/** Collects rows as the bytes of one JSON array. */
export type KlineText = {
  readonly clear: () => void;
  readonly row: (entry: MarketSymbol, open: number, width: number, values: CandleNumbers) => void;
  /** Adds a row that exists as JSON text. */
  readonly text: (row: string) => void;
  /** The whole array, a copy. */
  readonly bytes: () => Buffer;
};

const largestRow = 400;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const comma = 0x2c;
const commaQuote = 0x2c22;
const quote = 0x22;
const point = 0x2e;
const rowEnd = 0x2c223022; // `,"0"`
const powers = Float64Array.from({ length: 9 }, (_, exponent) => 10 ** exponent);

// The four ASCII digits of every number below 10,000, to be stored with one write.
const digits = Int32Array.from({ length: 10_000 }, (_, number) =>
  Buffer.from(String(number).padStart(4, "0"), "latin1").readInt32BE(),
);

// All of these write at `at` and return the place after what they wrote. Digits go straight into bytes:
// building and joining the strings of a 1000-row page costs several times as much, and this runs inside
// throughput benchmarks. Arguments are small integers wherever possible, since V8 boxes other numbers.

/** Exactly eight digits of an integer below 10^8. */
function writeEight(view: DataView, at: number, value: number): number {
  const upper = (value / 10_000) | 0;
  view.setInt32(at, digits[upper] ?? 0);
  view.setInt32(at + 4, digits[value - upper * 10_000] ?? 0);
  return at + 8;
}

/** At most four digits, without leading zeros: the zeros are shifted out, the rest is written over later. */
function writeShort(view: DataView, at: number, value: number): number {
  const length = value < 10 ? 1 : value < 100 ? 2 : value < 1000 ? 3 : 4;
  view.setInt32(at, (digits[value] ?? 0) << (32 - 8 * length));
  return at + length;
}

/** At most eight digits, without leading zeros. */
function writeMiddle(view: DataView, at: number, value: number): number {
  if (value < 10_000) return writeShort(view, at, value);
  const upper = (value / 10_000) | 0;
  const end = writeShort(view, at, upper);
  view.setInt32(end, digits[value - upper * 10_000] ?? 0);
  return end + 4;
}

function writeWhole(view: DataView, at: number, value: number): number {
  if (value < 1e8) return writeMiddle(view, at, value | 0);
  const upper = Math.floor(value / 1e8);
  return writeEight(view, writeWhole(view, at, upper), (value - upper * 1e8) | 0);
}

/** Writes `,"low / 10^decimals"` with eight decimals; `high` is the slot of whole units to add, or -1. */
function writeFixed(
  view: DataView,
  at: number,
  values: CandleNumbers,
  low: number,
  high: number,
  decimals: number,
): number {
  const value = values[low] ?? 0;
  const unit = powers[decimals] ?? 1;
  const units = Math.floor(value / unit);
  const rest = ((value - units * unit) * (powers[8 - decimals] ?? 1)) | 0;
  const total = high < 0 ? units : units + (values[high] ?? 0);
  view.setInt16(at, commaQuote);
  const end = total < 1e8 ? writeMiddle(view, at + 2, total | 0) : writeWhole(view, at + 2, total);
  view.setInt8(end, point);
  const last = writeEight(view, end + 1, rest);
  view.setInt8(last, quote);
  return last + 1;
}

function writeRow(
  view: DataView,
  start: number,
  entry: MarketSymbol,
  open: number,
  width: number,
  values: CandleNumbers,
): number {
  const price = entry.priceDecimals;
  const quantity = entry.quantityDecimals;
  const turnover = price + quantity;
  view.setInt8(start, openBracket);
  let at = writeWhole(view, start + 1, open);
  for (let index: number = slot.open; index <= slot.close; index++)
    at = writeFixed(view, at, values, index, -1, price);
  at = writeFixed(view, at, values, slot.volume, -1, quantity);
  view.setInt8(at, comma);
  at = writeWhole(view, at + 1, open + width - 1);
  at = writeFixed(view, at, values, slot.quoteLow, slot.quoteHigh, turnover);
  view.setInt8(at, comma);
  at = writeWhole(view, at + 1, values[slot.trades] ?? 0);
  at = writeFixed(view, at, values, slot.takerVolume, -1, quantity);
  at = writeFixed(view, at, values, slot.takerLow, slot.takerHigh, turnover);
  view.setInt32(at, rowEnd);
  view.setInt8(at + 4, closeBracket);
  return at + 5;
}

/** A writer for at most `rows` rows at a time. */
export function createKlineText(rows: number): KlineText {
  const buffer = Buffer.alloc(2 + rows * largestRow);
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  buffer[0] = openBracket;
  let at = 1;

  function separate(): void {
    if (at > 1) buffer[at++] = comma;
  }

  return {
    clear: () => {
      at = 1;
    },
    row: (entry, open, width, values) => {
      separate();
      at = writeRow(view, at, entry, open, width, values);
    },
    text: (row) => {
      separate();
      at += buffer.write(row, at, "latin1");
    },
    bytes: () => {
      buffer[at] = closeBracket;
      return Buffer.from(buffer.subarray(0, at + 1));
    },
  };
}
