import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  listSlots,
  PAGE_CANDLES,
  pageMs,
  parsePage,
  planGapPages,
  restOf,
  splitPages,
} from "../../runner/src/candle/page.ts";
import { subtract, union } from "../../runner/src/candle/span.ts";
import { WIDTH_MS } from "../../runner/src/contract/intervals.ts";
import { anyGrid, anyRange, gridOf, MINUTE, rowAt } from "../support/candle/arbitraries.ts";

const hours = gridOf("1h", Date.parse("2024-02-29T00:00:00Z"));
const later = hours.at(100);

describe("splitPages", () => {
  test("covers the window once with pages of at most 1000 candles, in the direction asked for", () => {
    fc.assert(
      fc.property(anyGrid, anyRange(4_200), fc.boolean(), ({ interval, span }, range, backwards) => {
        const window = span(range.from, range.to);
        const pages = splitPages(interval, window, backwards);
        expect(union(pages)).toEqual([window]);
        expect(pages).toHaveLength(Math.ceil((range.to - range.from) / PAGE_CANDLES));
        const forwards = backwards ? pages.toReversed() : pages;
        for (const [index, page] of forwards.entries()) {
          expect(page.to - page.from).toBeLessThanOrEqual(pageMs(interval));
          expect(page.from).toBe(index === 0 ? window.from : forwards[index - 1]?.to);
        }
      }),
    );
  });

  test("starts full at the end that touches what is stored", () => {
    const window = hours.span(0, 1_500);
    expect(splitPages("1h", window)).toEqual([hours.span(0, 1_000), hours.span(1_000, 1_500)]);
    expect(splitPages("1h", window, true)).toEqual([hours.span(500, 1_500), hours.span(0, 500)]);
  });
});

describe("planGapPages", () => {
  const anyGaps = fc.array(anyRange(6_000), { maxLength: 8 });

  test("asks for every gap, never for more than a page at once, and never for time outside of the gaps' hull", () => {
    fc.assert(
      fc.property(anyGrid, anyGaps, ({ interval, span }, ranges) => {
        const gaps = ranges.map(({ from, to }) => span(from, to));
        const pages = planGapPages(interval, gaps);
        for (const gap of gaps) expect(subtract(gap, pages)).toEqual([]);
        for (const { from, to } of pages) {
          expect(to - from).toBeLessThanOrEqual(pageMs(interval));
          expect(gaps.some((gap) => gap.from <= from && from < gap.to)).toBe(true);
          expect(gaps.some((gap) => gap.from < to && to <= gap.to)).toBe(true);
        }
      }),
    );
  });

  test("needs no more requests than the gaps one by one", () => {
    fc.assert(
      fc.property(anyGrid, anyGaps, ({ interval, span }, ranges) => {
        const gaps = union(ranges.map(({ from, to }) => span(from, to)));
        const alone = gaps.flatMap((gap) => splitPages(interval, gap));
        expect(planGapPages(interval, gaps).length).toBeLessThanOrEqual(alone.length);
      }),
    );
  });

  test("takes neighbours of one page together, in any order", () => {
    const gaps = [hours.span(995, 1_000), hours.span(0, 1), hours.span(1_000, 1_001)];
    expect(planGapPages("1h", gaps)).toEqual([hours.span(0, 1_000), hours.span(1_000, 1_001)]);
    expect(planGapPages("1h", [])).toEqual([]);
  });
});

describe("parsePage", () => {
  const span = hours.span(0, 6);
  const row = (index: number, changed = {}) => rowAt("1h", hours.at(index), changed);
  const parse = (rows: readonly unknown[], now = later) => parsePage("1h", span, rows, now);
  const openTimes = (rows: readonly unknown[], now = later) =>
    parse(rows, now).candles.map((c) => c.openTime);

  test("sorts an unordered answer by open time", () => {
    expect(openTimes([row(3), row(0), row(2)])).toEqual([hours.at(0), hours.at(2), hours.at(3)]);
  });

  test("keeps the later of two rows with one open time", () => {
    const { candles } = parse([row(1, { 4: "11" }), row(1, { 4: "11.5" })]);
    expect(candles.map(({ close }) => close)).toEqual(["11.5"]);
  });

  test("drops the running candle up to the millisecond of its close", () => {
    const close = hours.at(3) - 1;
    expect(openTimes([row(1), row(2)], close)).toEqual([hours.at(1)]);
    expect(openTimes([row(1), row(2)], close + 1)).toEqual([hours.at(1), hours.at(2)]);
  });

  test("drops what nobody asked for", () => {
    expect(openTimes([row(-1), row(0), row(5), row(6)])).toEqual([hours.at(0), hours.at(5)]);
  });

  test("keeps misaligned candles beside the aligned one of their slot, as one slot", () => {
    const odd = rowAt("1h", hours.at(2) + 14_789);
    const { candles } = parse([row(1), odd, row(2)]);
    expect(candles.map((c) => c.openTime)).toEqual([hours.at(1), hours.at(2), hours.at(2) + 14_789]);
    expect(listSlots("1h", candles)).toEqual([hours.at(1), hours.at(2)]);
  });

  test("lays a broken row into its slot, and one without a usable time behind its neighbour", () => {
    const { candles, rejected } = parse([row(0), row(1, { 5: "-1" }), row(2, { 0: "never" }), null, row(4)]);
    expect(candles.map((c) => c.openTime)).toEqual([hours.at(0), hours.at(4)]);
    expect([...rejected.keys()]).toEqual([hours.at(1), hours.at(2), hours.at(3)]);
    expect(rejected.get(hours.at(1))).toMatchObject({ reason: "negative volume" });
    expect(rejected.get(hours.at(3))).toMatchObject({ raw: "null" });
  });

  test("lays the first row of an answer into the first slot when its time is unusable", () => {
    const { rejected } = parse([row(0, { 0: Date.UTC(2105, 0, 1) })]);
    expect([...rejected.keys()]).toEqual([hours.at(0)]);
  });

  test("sorts anything at all into candles of the span and broken rows with a slot", () => {
    const time = fc.oneof(
      fc.integer({ min: -3, max: 9 }).map((index) => hours.at(index)),
      fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, 0),
      fc.double(),
      fc.anything(),
    );
    const anyRow = fc.oneof(
      time.map((openTime) => rowAt("1h", hours.at(0), { 0: openTime })),
      fc.anything(),
    );
    fc.assert(
      fc.property(fc.array(anyRow, { maxLength: 12 }), (rows) => {
        const { candles, rejected } = parse(rows);
        for (const [index, { openTime }] of candles.entries()) {
          expect(openTime).toBeGreaterThanOrEqual(candles[index - 1]?.openTime ?? span.from);
          expect(openTime).toBeLessThan(span.to);
        }
        for (const slot of rejected.keys()) expect(slot % WIDTH_MS["1h"]).toBe(0);
      }),
    );
  });
});

describe("restOf", () => {
  const minutes = gridOf("1m", Date.parse("2018-02-09T00:00:00Z"));
  const span = minutes.span(0, 1_000);
  const rows = (count: number) => Array.from({ length: count }, (_, index) => rowAt("1m", minutes.at(index)));

  test("is nothing after an answer that is not full or reaches the end", () => {
    expect(restOf("1m", span, rows(999))).toBeNull();
    expect(restOf("1m", span, rows(1_000))).toBeNull();
    expect(restOf("1m", span, [])).toBeNull();
  });

  test("begins behind the last row when misaligned rows took the place of later ones", () => {
    const full = [...rows(999).slice(0, 500), rowAt("1m", minutes.at(499) + 789), ...rows(999).slice(500)];
    expect(restOf("1m", span, full)).toEqual({ from: minutes.at(998) + 1, to: span.to });
  });

  test("is nothing when the last row's time cannot lead on", () => {
    expect(restOf("1m", span, [...rows(999), null])).toBeNull();
    expect(restOf("1m", span, [...rows(999), rowAt("1m", span.from - MINUTE)])).toBeNull();
    expect(restOf("1m", span, [...rows(999), rowAt("1m", span.to + MINUTE)])).toBeNull();
  });

  test("always leads forward, so that asking for the rest ends", () => {
    const lastTime = fc.integer({ min: -5_000_000, max: 70_000_000 }).map((offset) => span.from + offset);
    fc.assert(
      fc.property(lastTime, (openTime) => {
        const rest = restOf("1m", span, [...rows(999), rowAt("1m", openTime)]);
        if (rest === null) return;
        expect(rest.from).toBeGreaterThan(span.from);
        expect(rest).toEqual({ from: openTime + 1, to: span.to });
      }),
    );
  });
});

describe("rows of another interval, as a cache that ignores the question would answer", () => {
  const row = (openTime: number, width: number) => rowAt("1h", openTime, { 6: openTime + width - 1 });

  test("wider ones are broken rows: a day's candle in a page of hours looked like an hour's", () => {
    const span = hours.span(0, 24);
    const { candles, rejected } = parsePage("1h", span, [row(span.from, 24 * 60 * MINUTE)], later);
    expect(candles).toEqual([]);
    expect([...rejected.values()].map(({ reason }) => reason)).toEqual([
      "closes later than its interval allows",
    ]);
  });

  test("finer ones are told of the whole page, and a halt that cuts a few candles short is not", () => {
    const span = hours.span(0, 4);
    const quarters = Array.from({ length: 16 }, (_, n) => row(span.from + n * 15 * MINUTE, 15 * MINUTE));
    expect(parsePage("1h", span, quarters, later).isFiner).toBe(true);
    const whole = [0, 1, 2, 3].map((n) => row(hours.at(n), 60 * MINUTE));
    expect(parsePage("1h", span, whole, later).isFiner).toBe(false);
    const halted = [row(hours.at(0), 5 * MINUTE), ...whole.slice(1)];
    expect(parsePage("1h", span, halted, later)).toMatchObject({ isFiner: false, rejected: new Map() });
    expect(parsePage("1h", span, halted, later).candles).toHaveLength(4);
  });
});
