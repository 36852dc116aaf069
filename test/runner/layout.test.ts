import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { INTERVALS } from "../../runner/src/contract/intervals.ts";
import { leafAt, listLeavesOf } from "../../runner/src/partition/layout.ts";
import { anyInterval, anyTime, DAY } from "../support/candle/arbitraries.ts";

const utc = (text: string) => Date.parse(`${text}T00:00:00Z`);

describe("leafAt", () => {
  test.each([
    ["1m", "2024-01-31", "ohlcv_1m_2024_01", "ohlcv_1m", "2024-01-01", "2024-02-01"],
    ["1m", "2024-02-29", "ohlcv_1m_2024_02", "ohlcv_1m", "2024-02-01", "2024-03-01"],
    ["1m", "2023-12-31", "ohlcv_1m_2023_12", "ohlcv_1m", "2023-12-01", "2024-01-01"],
    ["15m", "2024-03-31", "ohlcv_15m_2024_q1", "ohlcv_15m", "2024-01-01", "2024-04-01"],
    ["15m", "2024-04-01", "ohlcv_15m_2024_q2", "ohlcv_15m", "2024-04-01", "2024-07-01"],
    ["15m", "2020-12-31", "ohlcv_15m_2020_q4", "ohlcv_15m", "2020-10-01", "2021-01-01"],
    ["1h", "2024-02-29", "ohlcv_1h_2024", "ohlcv_1h", "2024-01-01", "2025-01-01"],
    ["4h", "2020-02-29", "ohlcv_slow_2020", "ohlcv_slow", "2020-01-01", "2021-01-01"],
    ["1d", "2020-02-29", "ohlcv_slow_2020", "ohlcv_slow", "2020-01-01", "2021-01-01"],
  ] as const)("puts a %s candle of %s into %s", (interval, day, name, parent, from, to) => {
    const leaf = { name, parent, span: { from: utc(from), to: utc(to) } };
    expect(leafAt(interval, utc(day))).toEqual(leaf);
    expect(leafAt(interval, utc(day) + DAY - 1)).toEqual(leaf);
  });

  test("holds its time, and every time that it holds has the same leaf", () => {
    fc.assert(
      fc.property(anyInterval, anyTime, (interval, ms) => {
        const leaf = leafAt(interval, ms);
        expect(leaf.span.from).toBeLessThanOrEqual(ms);
        expect(leaf.span.to).toBeGreaterThan(ms);
        expect(leafAt(interval, leaf.span.from)).toEqual(leaf);
        expect(leafAt(interval, leaf.span.to - 1)).toEqual(leaf);
        expect(leafAt(interval, leaf.span.to).span.from).toBe(leaf.span.to);
      }),
    );
  });
});

describe("listLeavesOf", () => {
  const sixYears = { from: utc("2019-01-01"), to: utc("2025-01-01") };

  test("makes 108 leaves of six years over all intervals", () => {
    const names = INTERVALS.flatMap((interval) => listLeavesOf(interval, sixYears)).map(({ name }) => name);
    expect(new Set(names).size).toBe(108);
    expect(INTERVALS.map((interval) => listLeavesOf(interval, sixYears).length)).toEqual([72, 24, 6, 6, 6]);
  });

  test("lists what the span touches, oldest first, without the leaf that begins at its end", () => {
    const names = (from: string, to: string) =>
      listLeavesOf("1m", { from: utc(from), to: utc(to) }).map(({ name }) => name);
    expect(names("2023-12-31", "2024-02-01")).toEqual(["ohlcv_1m_2023_12", "ohlcv_1m_2024_01"]);
    expect(names("2024-02-29", "2024-03-01")).toEqual(["ohlcv_1m_2024_02"]);
  });

  test("is gapless and holds the whole span", () => {
    fc.assert(
      fc.property(anyInterval, anyTime, fc.integer({ min: 1, max: 3_000 }), (interval, from, days) => {
        const leaves = listLeavesOf(interval, { from, to: from + days * DAY });
        expect(leaves.at(0)?.span.from).toBeLessThanOrEqual(from);
        expect(leaves.at(-1)?.span.to).toBeGreaterThanOrEqual(from + days * DAY);
        expect(leaves.at(-1)?.span.from).toBeLessThan(from + days * DAY);
        for (const [index, leaf] of leaves.slice(1).entries())
          expect(leaf.span.from).toBe(leaves[index]?.span.to);
      }),
    );
  });
});
