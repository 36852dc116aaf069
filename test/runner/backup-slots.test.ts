import { deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as slots from "../../runner/src/archive/slots.ts";
import { WIDTH_MS } from "../../runner/src/contract/intervals.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { anyInterval, anyTime } from "../support/candle/arbitraries.ts";

const anyRange = fc
  .tuple(anyInterval, anyTime)
  .map(([interval, ms]) => ({ interval, span: leafAt(interval, ms).span }));
const anySlots = anyRange.chain((range) => {
  const index = fc.integer({ min: 0, max: slots.countRange(range) - 1 });
  const anySet = fc.uniqueArray(index, { maxLength: 40 });
  return fc.record({ range: fc.constant(range), a: anySet, b: anySet });
});
const january = { interval: "1m", span: leafAt("1m", Date.UTC(2024, 0)).span } as const;

type Range = slots.SlotRange;
const timesOf = (range: Range, indexes: readonly number[]) =>
  indexes.map((index) => range.span.from + index * WIDTH_MS[range.interval]);
const ascending = (indexes: Iterable<number>) => [...indexes].toSorted((x, y) => x - y);

test("a set of slots is what was put into it, as times, as runs, and as text", () => {
  fc.assert(
    fc.property(anySlots, ({ range, a }) => {
      const set = slots.slotsOfTimes(range, timesOf(range, a));
      expect([...slots.listSlots(set)]).toEqual(ascending(a));
      expect([...slots.listTimes(range, set)]).toEqual(timesOf(range, ascending(a)));
      expect(slots.countSlots(set)).toBe(a.length);
      expect(slots.lastSlot(set)).toBe(Math.max(-1, ...a));
      const runs = timesOf(range, a).map((ms) => ({ first: ms, last: ms }));
      expect(slots.slotsOfRuns(range, runs)).toEqual(set);
      expect(slots.decodeSlots(range, slots.encodeSlots(set))).toEqual(set);
    }),
  );
});

test("union and difference are those of sets, and equal sets are equal bytes", () => {
  fc.assert(
    fc.property(anySlots, ({ range, a, b }) => {
      const [x, y] = [a, b].map((set) => slots.slotsOfTimes(range, timesOf(range, set)));
      if (x === undefined || y === undefined) throw new Error("two sets");
      expect([...slots.listSlots(slots.unionSlots(x, y))]).toEqual(ascending(new Set([...a, ...b])));
      const rest = slots.subtractSlots(x, y);
      expect([...slots.listSlots(rest)]).toEqual(ascending(a.filter((each) => !b.includes(each))));
      expect(slots.areSameSlots(slots.unionSlots(rest, y), slots.unionSlots(x, y))).toBe(true);
      expect(slots.areSameSlots(x, y)).toBe(ascending(a).join() === ascending(b).join());
    }),
  );
});

test("a run sets every slot from its first to its last, and a misaligned time the slot that holds it", () => {
  const at = (index: number, beside = 0) => january.span.from + index * 60_000 + beside;
  const set = slots.slotsOfRuns(january, [{ first: at(3), last: at(9) }]);
  expect([...slots.listSlots(set)]).toEqual([3, 4, 5, 6, 7, 8, 9]);
  expect([...slots.listSlots(slots.slotsOfTimes(january, [at(7, 59_999)]))]).toEqual([7]);
  expect([...set]).toEqual([0b1111_1000, 0b11]);
});

test("a full month of 1m has 5,580 bytes, and less than 60 characters as text", () => {
  const full = slots.slotsOfRuns(january, [
    { first: january.span.from, last: january.span.to - WIDTH_MS["1m"] },
  ]);
  expect(full).toHaveLength(5_580);
  expect(slots.countSlots(full)).toBe(44_640);
  expect(slots.encodeSlots(full).length).toBeLessThan(60);
});

test("a time outside of the leaf is refused", () => {
  expect(() => slots.slotsOfTimes(january, [january.span.to])).toThrow(
    "is no open time of a leaf of 2024-01",
  );
  expect(() => slots.slotsOfTimes(january, [Number.NaN])).toThrow("NaN is no open time");
});

describe("a text that is no set of slots of the leaf is refused:", () => {
  const packed = (bytes: readonly number[] | Uint8Array) =>
    deflateRawSync(Uint8Array.from(bytes)).toString("base64");
  const year = { interval: "1d", span: leafAt("1d", Date.UTC(2023, 0)).span } as const;
  test.each([
    ["other characters", "!!!!", "not base64"],
    ["a cut text", packed(new Uint8Array(40).map((_, i) => i * 7)).slice(0, -8), "unexpected end"],
    ["no deflated bytes", "////", "invalid block type"],
    [
      "a text that inflates to a gigabyte",
      packed(new Uint8Array(50_000_000).fill(1)),
      "larger than 46 bytes",
    ],
    ["a zero byte at the end", packed([1, 0]), "byte without slots"],
    ["slot 365 of a year of 365 days", packed([...new Uint8Array(45), 0b10_0000]), "beyond the 365"],
  ])("%s", (_, text, words) => {
    expect(() => slots.decodeSlots(year, text)).toThrow(words);
  });
});
