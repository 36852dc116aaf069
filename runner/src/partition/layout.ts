import type { Span } from "../candle/span.ts";
import type { Interval } from "../contract/intervals.ts";

/** One leaf of the candle table: its name, its list partition, and the open times that it holds. */
export type Leaf = { readonly name: string; readonly parent: string; readonly span: Span };

type Period = "month" | "quarter" | "year";

/** 108 leaves for six years instead of 21,600, which exhaust the lock table at default settings. */
const LAYOUT: Readonly<Record<Interval, { readonly parent: string; readonly period: Period }>> = {
  "1m": { parent: "ohlcv_1m", period: "month" },
  "15m": { parent: "ohlcv_15m", period: "quarter" },
  "1h": { parent: "ohlcv_1h", period: "year" },
  "4h": { parent: "ohlcv_slow", period: "year" },
  "1d": { parent: "ohlcv_slow", period: "year" },
};

const MONTHS: Readonly<Record<Period, number>> = { month: 1, quarter: 3, year: 12 };

/** The leaf that holds candles of `interval` with open time `ms`. */
export function leafAt(interval: Interval, ms: number): Leaf {
  const { parent, period } = LAYOUT[interval];
  const date = new Date(ms);
  const year = date.getUTCFullYear();
  const months = MONTHS[period];
  const month = Math.floor(date.getUTCMonth() / months) * months;
  const span = { from: Date.UTC(year, month), to: Date.UTC(year, month + months) };
  const suffix = { month: `_${String(month + 1).padStart(2, "0")}`, quarter: `_q${month / 3 + 1}`, year: "" }[
    period
  ];
  return { name: `${parent}_${year}${suffix}`, parent, span };
}

/** The leaves that hold candles of `interval` in the span, oldest first. */
export function listLeavesOf(interval: Interval, span: Span): Leaf[] {
  const leaves: Leaf[] = [];
  for (let ms = span.from; ms < span.to; ) {
    const leaf = leafAt(interval, ms);
    leaves.push(leaf);
    ms = leaf.span.to;
  }
  return leaves;
}
