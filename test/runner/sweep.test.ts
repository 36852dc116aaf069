import fc from "fast-check";
import { expect, test } from "vitest";
import { intersect, overlaps, subtract, union } from "../../runner/src/candle/span.ts";
import { intersectAll, overlapping, subtractAll, within } from "../../runner/src/candle/sweep.ts";
import { anyRange } from "../support/candle/arbitraries.ts";

/** Each against the form that looks at every pair. Lists that touch inside: slots, as the gap log has them. */
const anyTouching = fc
  .array(fc.tuple(fc.nat({ max: 3 }), fc.integer({ min: 1, max: 4 })), { maxLength: 12 })
  .map((steps) => {
    let at = 0;
    return steps.map(([skipped, length]) => {
      const from = at + skipped;
      at = from + length;
      return { from, to: at };
    });
  });
const anyApart = fc.array(anyRange(40), { maxLength: 8 }).map(union);
const anyList = fc.oneof(anyTouching, anyApart);
const RUNS = { numRuns: 2_000 };

test("overlapping finds what a walk over all finds", () => {
  fc.assert(
    fc.property(anyList, anyRange(40), (spans, whole) => {
      expect(overlapping(spans, whole)).toEqual(spans.filter((span) => overlaps(span, whole)));
    }),
    RUNS,
  );
});

test("within cuts what overlaps", () => {
  fc.assert(
    fc.property(anyList, anyRange(40), (spans, whole) => {
      expect(within(spans, whole)).toEqual(spans.flatMap((span) => intersect(span, whole) ?? []));
    }),
    RUNS,
  );
});

test("intersectAll is the intersection of each pair, in order", () => {
  fc.assert(
    fc.property(anyList, anyList, (some, others) => {
      const naive = some.flatMap((one) => others.flatMap((other) => intersect(one, other) ?? []));
      expect(intersectAll(some, others)).toEqual(naive);
    }),
    RUNS,
  );
});

test("subtractAll is each whole without all of the holes", () => {
  fc.assert(
    fc.property(anyList, anyList, (wholes, holes) => {
      expect(subtractAll(wholes, holes)).toEqual(wholes.flatMap((whole) => subtract(whole, holes)));
    }),
    RUNS,
  );
});
