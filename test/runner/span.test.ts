import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FINER, isInterval, slotAtOrAfter, slotOf } from "../../runner/src/candle/interval.ts";
import {
  between,
  hull,
  intersect,
  overlaps,
  type Span,
  spanOf,
  split,
  subtract,
  union,
} from "../../runner/src/candle/span.ts";
import { INTERVALS, WIDTH_MS } from "../../runner/src/contract/intervals.ts";
import { anyInterval, anyRange, anyTime, DAY } from "../support/candle/arbitraries.ts";

const SIZE = 24;
const anySpan = anyRange(SIZE);
const anySpans = fc.array(anySpan, { maxLength: 6 });

/** The model: a span is the set of its points. */
function pointsOf(...spans: readonly (Span | null)[]): Set<number> {
  const points = new Set<number>();
  for (const span of spans) for (let at = span?.from ?? 0; at < (span?.to ?? 0); at += 1) points.add(at);
  return points;
}

function expectSortedAndApart(spans: readonly Span[]): void {
  for (const [index, span] of spans.entries()) {
    expect(span.from).toBeLessThan(span.to);
    expect(span.from).toBeGreaterThan(spans[index - 1]?.to ?? Number.NEGATIVE_INFINITY);
  }
}

describe("against sets of points", () => {
  test("union holds exactly the points of all, sorted and not touching", () => {
    fc.assert(
      fc.property(anySpans, (spans) => {
        expectSortedAndApart(union(spans));
        expect(pointsOf(...union(spans))).toEqual(pointsOf(...spans));
      }),
    );
  });

  test("union does not depend on the order of its spans", () => {
    fc.assert(
      fc.property(anySpans, (spans) => {
        expect(union(spans.toReversed())).toEqual(union(spans));
      }),
    );
  });

  test("subtract leaves exactly the points that no hole holds", () => {
    fc.assert(
      fc.property(anySpan, anySpans, (whole, holes) => {
        expectSortedAndApart(subtract(whole, holes));
        expect(pointsOf(...subtract(whole, holes))).toEqual(pointsOf(whole).difference(pointsOf(...holes)));
      }),
    );
  });

  test("intersect and overlaps agree with the common points", () => {
    fc.assert(
      fc.property(anySpan, anySpan, (a, b) => {
        const common = pointsOf(a).intersection(pointsOf(b));
        expect(pointsOf(intersect(a, b))).toEqual(common);
        expect(overlaps(a, b)).toBe(common.size > 0);
        expect(intersect(a, b) === null).toBe(common.size === 0);
      }),
    );
  });

  test("hull is both spans and what lies between them, and nothing more", () => {
    fc.assert(
      fc.property(anySpan, anySpan, (a, b) => {
        const [own, gap] = [pointsOf(a, b), pointsOf(between(a, b))];
        expect(gap.isDisjointFrom(own)).toBe(true);
        expect(pointsOf(hull(a, b))).toEqual(own.union(gap));
        expect(between(b, a)).toEqual(between(a, b));
      }),
    );
  });

  test("split keeps the whole in order, every piece but the last at full length", () => {
    fc.assert(
      fc.property(anySpan, fc.integer({ min: 1, max: SIZE }), (whole, length) => {
        const pieces = split(whole, length);
        expect(pieces.flatMap((piece) => [...pointsOf(piece)])).toEqual([...pointsOf(whole)]);
        for (const [index, { from, to }] of pieces.entries()) {
          expect(to).toBeGreaterThan(from);
          if (index < pieces.length - 1) expect(to - from).toBe(length);
          else expect(to - from).toBeLessThanOrEqual(length);
        }
      }),
    );
  });
});

test("spans are half-open: neighbours touch and do not overlap", () => {
  const [a, b] = [
    { from: 0, to: 5 },
    { from: 5, to: 9 },
  ];
  expect(overlaps(a, b)).toBe(false);
  expect(intersect(a, b)).toBeNull();
  expect(between(a, b)).toBeNull();
  expect(union([b, a])).toEqual([{ from: 0, to: 9 }]);
});

test("an empty or reversed stretch is no span", () => {
  expect(spanOf(5, 5)).toBeNull();
  expect(spanOf(6, 5)).toBeNull();
  expect(spanOf(5, 6)).toEqual({ from: 5, to: 6 });
  expect(union([])).toEqual([]);
});

test("a slot begins at or before its time and ends after it", () => {
  fc.assert(
    fc.property(anyInterval, anyTime, (interval, ms) => {
      const slot = slotOf(interval, ms);
      expect(slot % WIDTH_MS[interval]).toBe(0);
      expect(slot).toBeLessThanOrEqual(ms);
      expect(slot + WIDTH_MS[interval]).toBeGreaterThan(ms);
      expect(slotAtOrAfter(interval, ms)).toBe(slot === ms ? ms : slot + WIDTH_MS[interval]);
    }),
  );
});

test.each([
  ["1m", "2018-02-09T09:28:14.789Z", "2018-02-09T09:28:00.000Z"],
  ["15m", "2020-02-29T23:59:59.999Z", "2020-02-29T23:45:00.000Z"],
  ["1h", "2024-02-29T12:00:00.000Z", "2024-02-29T12:00:00.000Z"],
  ["4h", "2023-12-31T23:59:59.999Z", "2023-12-31T20:00:00.000Z"],
  ["1d", "2024-02-29T23:59:59.999Z", "2024-02-29T00:00:00.000Z"],
] as const)("the %s slot of %s opens at %s", (interval, time, slot) => {
  expect(new Date(slotOf(interval, Date.parse(time))).toISOString()).toBe(slot);
});

test("a coarse interval is the whole sum of its finer one, and the day of all", () => {
  for (const interval of INTERVALS) {
    const finer = FINER[interval];
    if (finer === null) expect(interval).toBe("1m");
    else expect(WIDTH_MS[finer.fine] * finer.count).toBe(WIDTH_MS[interval]);
    expect(DAY % WIDTH_MS[interval]).toBe(0);
  }
});

test("intervals are a closed set in which case matters", () => {
  expect(INTERVALS.every(isInterval)).toBe(true);
  for (const text of ["1M", "5m", "1H", "1w", "", " 1m", "toString", "60m"])
    expect(isInterval(text)).toBe(false);
});
