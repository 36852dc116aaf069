import { INTERVALS, type Interval, WIDTH_MS } from "../contract/intervals.ts";

export function isInterval(text: string): text is Interval {
  return (INTERVALS as readonly string[]).includes(text);
}

/** Open time (ms) of the slot that holds `ms`. Misaligned candles of 2017/18 belong to a slot by this rule. */
export function slotOf(interval: Interval, ms: number): number {
  const width = WIDTH_MS[interval];
  return Math.floor(ms / width) * width;
}

/** First slot boundary (ms) at or after `ms`. */
export function slotAtOrAfter(interval: Interval, ms: number): number {
  const width = WIDTH_MS[interval];
  return Math.ceil(ms / width) * width;
}

/** The interval that `coarse` is the exact sum of, with the number of fine candles: 15 x 1m = 15m and so on. */
export const FINER: Readonly<Record<Interval, { fine: Interval; count: number } | null>> = {
  "1m": null,
  "15m": { fine: "1m", count: 15 },
  "1h": { fine: "15m", count: 4 },
  "4h": { fine: "1h", count: 4 },
  "1d": { fine: "4h", count: 6 },
};
