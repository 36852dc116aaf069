import { expect, test } from "vitest";
import { estimateBytes } from "../../runner/src/partition/sizes.ts";
import { DAY } from "../support/candle/series.ts";

const at = (day: number) => Date.UTC(2024, 0, 1) + day * DAY;
const leaf = (parent: string, from: number, to: number, bytes: number) => ({
  parent,
  span: { from: at(from), to: at(to) },
  bytes,
});
const series = (interval: "1m" | "4h" | "1d", from: number, to: number, candles: number) => ({
  interval,
  stored: { from: at(from), to: at(to) },
  candles,
});

test("a leaf is shared out by the candles that its series have in it", () => {
  const leaves = [leaf("ohlcv_1m", 0, 10, 900), leaf("ohlcv_1m", 10, 20, 300)];
  // the first has 100 candles a day, the second 50, and no candle after day 10
  expect(estimateBytes([series("1m", 0, 20, 2_000), series("1m", 0, 10, 500)], leaves)).toEqual([900, 300]);
});

test("4h and 1d share their leaves, other intervals have no part of them", () => {
  const found = estimateBytes(
    [series("4h", 0, 10, 60), series("1d", 0, 10, 10), series("1m", 0, 10, 14_400)],
    [leaf("ohlcv_slow", 0, 366, 700)],
  );
  expect(found).toEqual([600, 100, 0]);
});

test("a series without a candle has no bytes, and a leaf without a series goes to nobody", () => {
  const empty = { interval: "1m", stored: null, candles: 0 } as const;
  expect(estimateBytes([empty, series("1m", 0, 5, 5)], [leaf("ohlcv_1m", 30, 60, 800)])).toEqual([0, 0]);
  expect(estimateBytes([], [leaf("ohlcv_1m", 0, 30, 800)])).toEqual([]);
});
