import fc from "fast-check";
import { expect, test } from "vitest";
import { slotsOfTimes } from "../../runner/src/archive/slots.ts";
import { type Evidence, isSeenWhole, NO_ROWS } from "../../runner/src/backup/judge.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { createPart, minute } from "../support/judged-part.ts";

test("no sequence of changes makes the believed state another than that of the rows that restore", () => {
  const index = fc.nat(30);
  const step = fc.oneof(
    fc.tuple(fc.constantFrom("write", "revise"), index, fc.record({ price: fc.integer({ min: 1, max: 3 }) })),
    fc.tuple(fc.constantFrom("remove"), index, fc.constant({})),
    fc.tuple(fc.constantFrom("backUp", "wholeBackUp"), index, fc.constant({})),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const part = createPart(20);
      part.backUp();
      for (const [what, at, row] of steps) {
        if (what === "write") part.write(at, row);
        else if (what === "revise") part.revise(at, row);
        else if (what === "remove") part.remove(at);
        else part.backUp(what === "wholeBackUp");
        expect(part.isConsistent()).toBe(true);
      }
    }),
  );
});

test("rows that nobody wrote since the last backup ask for a look without the numbers of transactions", () => {
  const range = { interval: "1m", span: leafAt("1m", Date.UTC(2024, 0)).span } as const;
  const rowsIn = (...indexes: number[]) => ({
    ...NO_ROWS,
    rows: indexes.length,
    slots: slotsOfTimes(range, indexes.map(minute)),
  });
  const isSeen = (
    rows: Omit<Evidence, "range" | "open" | "again" | "unlisted">,
    open: Evidence["open"] = [],
  ) => isSeenWhole({ range, open, ...rows });
  expect(isSeen({ believed: rowsIn(1), added: rowsIn(2), now: rowsIn(1, 2) })).toBe(true);
  expect(isSeen({ believed: rowsIn(1), added: rowsIn(2), now: rowsIn(2) })).toBe(true);
  expect(isSeen({ believed: rowsIn(1), added: null, now: rowsIn(1, 2) })).toBe(false);
  expect(isSeen({ believed: null, added: null, now: rowsIn(1) })).toBe(false);
  // a suspect row of which no tier has the earlier one
  expect(isSeen({ believed: rowsIn(1), added: null, now: rowsIn(1, 2) }, [{ at: minute(2) }])).toBe(true);
});
