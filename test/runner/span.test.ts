import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  between,
  hull,
  intersect,
  overlaps,
  type Span,
  spanOf,
  split,
  subtract,
  totalMs,
  union,
} from "../../runner/src/candle/span.ts";
import { anyRange } from "../support/candle/arbitraries.ts";

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

  test("totalMs adds up lengths", () => {
    fc.assert(
      fc.property(anySpans, (spans) => {
        expect(totalMs(union(spans))).toBe(pointsOf(...spans).size);
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
  expect(totalMs([])).toBe(0);
});
