import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Candle } from "../../runner/src/candle/candle.ts";
import { parsePage } from "../../runner/src/candle/page.ts";
import type { PageWrite } from "../../runner/src/db/store.ts";
import { groupPages } from "../../runner/src/sync/writer.ts";
import { anyInterval, gridOf, rowAt } from "../support/candle/arbitraries.ts";

const LARGEST = 5_000;
const { at, span } = gridOf("1m", Date.parse("2024-02-29T00:00:00Z"));
const candles: readonly Candle[] = parsePage(
  "1m",
  span(0, 1_000),
  Array.from({ length: 1_000 }, (_, index) => rowAt("1m", at(index))),
  at(2_000),
).candles;

const page = (coinId: number, rows: number, facts: Partial<PageWrite> = {}): PageWrite => ({
  coinId,
  interval: "1m",
  candles: candles.slice(0, rows),
  overlapsStored: false,
  covered: span(0, 1_000),
  lastTs: null,
  gaps: [],
  ...facts,
});
const idsOf = (groups: readonly (readonly PageWrite[])[]) =>
  groups.map((group) => group.map(({ coinId }) => coinId));

describe("groupPages", () => {
  test("puts pages of many series together up to 5,000 rows", () => {
    const pages = Array.from({ length: 7 }, (_, index) => page(index, 1_000));
    expect(idsOf(groupPages(pages))).toEqual([
      [0, 1, 2, 3, 4],
      [5, 6],
    ]);
  });

  test("keeps fresh pages of one series together, in their order", () => {
    const pages = [
      page(1, 10, { lastTs: at(1) }),
      page(1, 10, { lastTs: at(2) }),
      page(1, 10, { lastTs: at(3) }),
    ];
    expect(groupPages(pages)).toEqual([pages]);
  });

  test("parts pages of one series of which any may hold stored rows", () => {
    const seen = { overlapsStored: true };
    expect(idsOf(groupPages([page(1, 10, seen), page(2, 10, seen), page(1, 10)]))).toEqual([[1, 2], [1]]);
    expect(idsOf(groupPages([page(1, 10), page(1, 10, seen)]))).toEqual([[1], [1]]);
  });

  test("never mixes intervals", () => {
    expect(idsOf(groupPages([page(1, 10), page(2, 10, { interval: "1h" }), page(3, 10)]))).toEqual([
      [1],
      [2],
      [3],
    ]);
  });

  test("takes pages without rows along", () => {
    expect(idsOf(groupPages([...Array.from({ length: 5 }, () => page(1, 1_000)), page(2, 0)]))).toEqual([
      [1, 1, 1, 1, 1, 2],
    ]);
    expect(groupPages([])).toEqual([]);
  });

  test("keeps the order, the row limit, one interval, and a series with stored rows once", () => {
    const anyPage = fc
      .record({
        coinId: fc.nat({ max: 4 }),
        rows: fc.nat({ max: 1_000 }),
        interval: anyInterval,
        overlapsStored: fc.boolean(),
      })
      .map(({ coinId, rows, interval, overlapsStored }) => page(coinId, rows, { interval, overlapsStored }));
    fc.assert(
      fc.property(fc.array(anyPage, { maxLength: 30 }), (pages) => {
        const groups = groupPages(pages);
        expect(groups.flat()).toEqual(pages);
        for (const group of groups) {
          expect(group.length).toBeGreaterThan(0);
          expect(new Set(group.map(({ interval }) => interval)).size).toBe(1);
          expect(group.reduce((sum, { candles: rows }) => sum + rows.length, 0)).toBeLessThanOrEqual(LARGEST);
          for (const { coinId, overlapsStored } of group)
            if (overlapsStored) expect(group.filter((other) => other.coinId === coinId)).toHaveLength(1);
        }
      }),
    );
  });
});
