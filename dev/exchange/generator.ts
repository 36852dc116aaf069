import { type Interval, intervalWidths, minuteWidth } from "./interval.ts";
import { createKlineText, type KlineRow } from "./kline-text.ts";
import type { MarketSymbol } from "./market.ts";
import { type CandleNumbers, createCandleNumbers, createMinuteReader, elapsedOf, slot } from "./minutes.ts";

/** Whether one minute of [open, open + width) was traded by `now` (all ms). */
export function hasCandle(entry: MarketSymbol, open: number, width: number, now: number): boolean {
  if (open > now) return false;
  let from = Math.max(open, entry.listedAt);
  const to = Math.min(open + width, entry.delistedAt ?? Infinity, now + 1);
  for (const halt of entry.halts) if (from >= halt.from && from < halt.to) from = halt.to;
  return from < to;
}

/** The open times (ms) between which the symbol may have candles at `now`, both inclusive. */
export function candleBounds(
  entry: MarketSymbol,
  width: number,
  now: number,
): { first: number; last: number } {
  const end = Math.min(now, (entry.delistedAt ?? Infinity) - 1);
  return { first: Math.floor(entry.listedAt / width) * width, last: Math.floor(end / width) * width };
}

/** Computes candles of one symbol. It holds no data, only the place where it read last. */
export type CandleReader = {
  /** Writes the candle [open, open + width) as it is at `now` into `out`; one must exist (`hasCandle`). */
  readonly read: (open: number, width: number, now: number, out: CandleNumbers) => void;
};

/** A reader that sums every wider candle from its own minutes, so that all intervals agree exactly. */
export function createCandleReader(entry: MarketSymbol): CandleReader {
  const readMinute = createMinuteReader(entry);
  const minute = createCandleNumbers();
  const quoteUnit = 10 ** (entry.priceDecimals + entry.quantityDecimals);
  // Well below 2^53 less the largest minute, so that the low parts never lose a digit.
  const carryAt = 2 ** 52;

  function carry(out: CandleNumbers, low: number, high: number): void {
    const value = out[low] ?? 0;
    const whole = Math.floor(value / quoteUnit);
    out[low] = value - whole * quoteUnit;
    out[high] = (out[high] ?? 0) + whole;
  }

  function grow(out: CandleNumbers, index: number): number {
    const sum = (out[index] ?? 0) + (minute[index] ?? 0);
    out[index] = sum;
    return sum;
  }

  /** Adds the minutes of [from, to); `started` says whether `out` holds some already. */
  function addMinutes(from: number, to: number, now: number, started: boolean, out: CandleNumbers): void {
    let first = !started;
    for (let open = from; open < to; open += minuteWidth) {
      const index = open / minuteWidth;
      if (first) {
        readMinute(index, elapsedOf(open, now), out);
        first = false;
        continue;
      }
      readMinute(index, open + minuteWidth > now ? elapsedOf(open, now) : 1, minute);
      const high = minute[slot.high] ?? 0;
      const low = minute[slot.low] ?? 0;
      if (high > (out[slot.high] ?? 0)) out[slot.high] = high;
      if (low < (out[slot.low] ?? 0)) out[slot.low] = low;
      out[slot.close] = minute[slot.close] ?? 0;
      grow(out, slot.volume);
      grow(out, slot.trades);
      grow(out, slot.takerVolume);
      if (grow(out, slot.quoteLow) >= carryAt) carry(out, slot.quoteLow, slot.quoteHigh);
      if (grow(out, slot.takerLow) >= carryAt) carry(out, slot.takerLow, slot.takerHigh);
    }
  }

  return {
    read: (open, width, now, out) => {
      let from = Math.max(open, entry.listedAt);
      const minuteAfterNow = Math.floor(now / minuteWidth) * minuteWidth + minuteWidth;
      const to = Math.min(open + width, entry.delistedAt ?? Infinity, minuteAfterNow);
      let started = false;
      for (const halt of entry.halts) {
        if (halt.to <= from || halt.from >= to) continue;
        addMinutes(from, halt.from, now, started, out);
        started ||= halt.from > from;
        from = halt.to;
      }
      addMinutes(from, to, now, started, out);
    },
  };
}

/** The truth for tests: all candles that open in [from, to), as they are at `now` (ms), ascending. */
export function listCandles(
  entry: MarketSymbol,
  interval: Interval,
  span: { readonly from: number; readonly to: number },
  now: number,
): KlineRow[] {
  const width = intervalWidths[interval];
  const { first, last } = candleBounds(entry, width, now);
  const text = createKlineText(1);
  const reader = createCandleReader(entry);
  const values = createCandleNumbers();
  const rows: KlineRow[] = [];
  const start = Math.max(first, Math.ceil(span.from / width) * width);
  for (let open = start; open < span.to && open <= last; open += width) {
    if (!hasCandle(entry, open, width, now)) continue;
    text.clear();
    reader.read(open, width, now, values);
    text.row(entry, open, width, values);
    rows.push(...(JSON.parse(text.bytes().toString("latin1")) as KlineRow[]));
  }
  return rows;
}
