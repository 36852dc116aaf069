import fc from "fast-check";
import { expect, test } from "vitest";
import { MOST_OBJECT_ROWS, packParts } from "../../runner/src/backup/groups.ts";

const part = (coinId: number, rows: number, interval: "1m" | "4h" | "1d" = "1m") => ({
  coinId,
  rows,
  interval,
});

test("a month of 60 coins makes two objects, one of 600 coins fourteen", () => {
  const month = (coins: number) =>
    packParts(Array.from({ length: coins }, (_, index) => part(index + 1, 44_640)));
  expect(month(60).map((group) => group.length)).toEqual([44, 16]);
  expect(month(600)).toHaveLength(14);
});

test("a coin that comes late makes an object of its own", () => {
  expect(packParts([part(61, 44_640)])).toEqual([[part(61, 44_640)]]);
  expect(packParts([])).toEqual([]);
});

test("parts are in the order of the primary key, each in one object, and no object but of one part has too many rows", () => {
  const anyPart = fc.record({
    coinId: fc.integer({ min: 1, max: 1000 }),
    rows: fc.integer({ min: 1, max: 2 * MOST_OBJECT_ROWS }),
    interval: fc.constantFrom("4h" as const, "1d" as const),
  });
  const anyParts = fc.uniqueArray(anyPart, { selector: ({ coinId, interval }) => `${coinId}:${interval}` });
  fc.assert(
    fc.property(anyParts, (parts) => {
      const groups = packParts(parts);
      const packed = groups.flat();
      const byKey = (a: (typeof parts)[0], b: (typeof parts)[0]) =>
        a.coinId - b.coinId || (a.interval < b.interval ? -1 : 1);
      expect(packed).toEqual(parts.toSorted(byKey));
      for (const group of groups) {
        expect(group.length).toBeGreaterThan(0);
        const rows = group.reduce((sum, each) => sum + each.rows, 0);
        expect(group.length === 1 || rows <= MOST_OBJECT_ROWS).toBe(true);
      }
    }),
  );
});
