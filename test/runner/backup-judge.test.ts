import { describe, expect, test } from "vitest";
import { createPart, minute } from "../support/judged-part.ts";

type Part = ReturnType<typeof createPart>;
const DAY = Array.from({ length: 1440 }, (_, index) => 100 + index);

/** A part of 2,000 candles whose first backup is made. */
function backedUp(extra: number | null = 7): Part {
  const part = createPart(2_000, extra);
  expect(part.backUp()).toMatchObject({ isSound: true, suspects: [] });
  return part;
}

describe("damage is never what restores, whatever backups lie between it and the restore:", () => {
  const cases: readonly [
    name: string,
    damage: (part: Part) => void,
    suspects: readonly [number, string][],
  ][] = [
    ["a row changed by hand", (part) => part.write(5, { price: 1 }), [[5, "changed"]]],
    [
      "three rows times ten",
      (part) => {
        for (const index of [5, 6, 900]) part.write(index, { price: 1000 });
      },
      [
        [5, "changed"],
        [6, "changed"],
        [900, "changed"],
      ],
    ],
    ["a coin's day deleted", (part) => DAY.forEach(part.remove), DAY.map((index) => [index, "vanished"])],
    [
      "one row deleted and another inserted",
      (part) => {
        part.remove(7);
        part.write(2_000, {});
      },
      [[7, "vanished"]],
    ],
    [
      "a row deleted and inserted again with another price",
      (part) => {
        part.remove(7);
        part.write(7, { price: 99 });
      },
      [[7, "changed"]],
    ],
    [
      "a row changed beside one that a revision explains",
      (part) => {
        part.revise(3, { price: 101 });
        part.write(4, { price: 1000 });
      },
      [
        [3, "changed"],
        [4, "changed"],
      ],
    ],
    [
      "a revision on top of the damage",
      (part) => {
        part.write(4, { price: 1000 });
        part.revise(4, { price: 101 });
      },
      [[4, "changed"]],
    ],
    [
      "all rows deleted",
      (part) => Array.from({ length: 2_000 }, (_, i) => part.remove(i)),
      Array.from({ length: 2_000 }, (_, i) => [i, "vanished"]),
    ],
  ];
  test.each(cases)("%s", (_, damage, suspects) => {
    const part = backedUp();
    const truth = part.restored();
    damage(part);
    const found = part.backUp().suspects.map(({ at, kind }) => [((at ?? 0) - minute(0)) / 60_000, kind]);
    expect(found.toSorted()).toEqual(suspects.toSorted());
    // a delta, a daily run and another delta, with candles that come all the while
    for (const [index, isWhole] of [false, true, false].entries()) {
      part.write(3_000 + index, { price: 200 + index });
      expect(part.backUp(isWhole)).toMatchObject({ suspects: [], isSound: false });
    }
    const restored = part.restored();
    for (const [at, row] of truth) expect(restored.get(at)).toEqual(row);
    for (const index of [0, 1, 2]) expect(part.restoredPrices().get(3_000 + index)).toBe(200 + index);
    expect(part.isConsistent()).toBe(true);
  });

  test("a value that only the disk changed, beside a revision", () => {
    const part = backedUp();
    part.corrupt(9, 1000);
    part.revise(3, { price: 101 });
    expect(part.backUp().suspects).toMatchObject([{ at: minute(3), kind: "changed" }]);
    expect(part.restoredPrices().get(9)).toBe(100);
    expect(part.isConsistent()).toBe(true);
  });

  test("a value that only the disk changed is found by its hash, once", () => {
    const part = backedUp();
    part.corrupt(9, 1000);
    expect(part.backUp(true).suspects).toMatchObject([{ at: null, kind: "content" }]);
    expect(part.backUp(true)).toMatchObject({ suspects: [], isSound: false });
    part.corrupt(9, 100);
    expect(part.backUp(true)).toMatchObject({ suspects: [], isSound: true });
  });
});

describe("what is explained restores at once:", () => {
  test.each<[string, number | null, (part: Part) => void]>([
    [
      "new candles",
      7,
      (part) => {
        part.write(2_000, {});
        part.write(2_500, {});
      },
    ],
    ["a new candle in a hole", 7, (part) => part.write(40_000, {})],
    ["a revision", 7, (part) => part.revise(3, { price: 101 })],
    [
      "two revisions of one candle",
      7,
      (part) => {
        part.revise(3, { price: 101 });
        part.revise(3, { price: 102 });
      },
    ],
    ["a value for a NULL", null, (part) => part.write(3, { extra: 5 })],
    [
      "values for NULLs, a revision and new candles at once",
      null,
      (part) => {
        part.write(3, { extra: 5 });
        part.write(4, { extra: 6 });
        part.revise(5, { price: 101, extra: 8 });
        part.revise(6, { price: 102 });
        part.write(2_100, { extra: 1 });
      },
    ],
    ["a row that was written with the values that it had", 7, (part) => part.write(3, {})],
    [
      "a row that the last backup met already",
      7,
      (part) => {
        part.showAgain(3);
        part.write(2_000, {});
      },
    ],
  ])("%s", (_, extra, change) => {
    const part = backedUp(extra);
    change(part);
    expect(part.backUp()).toMatchObject({ suspects: [], isSound: true });
    expect(part.restored()).toEqual(part.stored());
    expect(part.isConsistent()).toBe(true);
  });
});

describe("a value that comes for a NULL explains nothing else:", () => {
  test.each<[string, (part: Part) => void]>([
    ["another price", (part) => part.write(3, { extra: 5, price: 1000 })],
    [
      "a row that vanished",
      (part) => {
        part.write(3, { extra: 5 });
        part.remove(4);
      },
    ],
    [
      "another price beside it",
      (part) => {
        part.write(3, { extra: 5 });
        part.write(4, { extra: null, price: 1000 });
      },
    ],
  ])("%s", (_, damage) => {
    const part = backedUp(null);
    const truth = part.restored();
    damage(part);
    expect(part.backUp()).toMatchObject({ isSound: false, adopted: [] });
    expect(part.backUp(true).suspects).toEqual([]);
    expect(part.restored()).toEqual(truth);
  });
});

test("what is mended is sound again, and its suspects are gone", () => {
  const part = backedUp();
  part.write(5, { price: 1000 });
  part.remove(6);
  expect(part.backUp().suspects).toHaveLength(2);
  part.write(5, { price: 100 });
  expect(part.backUp()).toMatchObject({ isSound: false, suspects: [] });
  part.write(6, { price: 100 });
  expect(part.backUp()).toMatchObject({ isSound: true, suspects: [] });
  expect(part.restored()).toEqual(part.stored());
});

test("a promoted standby that lost the last rows: they vanished, and the rest is what it was", () => {
  const part = backedUp();
  part.write(2_000, {});
  part.backUp();
  part.remove(2_000);
  expect(part.backUp(true).suspects).toMatchObject([{ at: minute(2_000), kind: "vanished" }]);
  expect(part.restoredPrices().get(2_000)).toBe(100);
});

test("a first backup, and one that judges without the numbers of transactions, take every row", () => {
  const part = createPart(50);
  expect(part.backUp(true)).toMatchObject({ isSound: true, suspects: [] });
  part.write(60, {});
  expect(part.backUp(true)).toMatchObject({ isSound: true, suspects: [] });
  expect(part.restored()).toEqual(part.stored());
});
