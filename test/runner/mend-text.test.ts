import { expect, test } from "vitest";
import type { MendedLeaf } from "../../runner/src/restore/mend/mend-outcome.ts";
import { renderMend } from "../../runner/src/restore/mend/mend-text.ts";

test.each([true, false])("without a damaged leaf the hold is said too (dry run: %s)", (isPreview) => {
  const outcome = { leaves: [], isDiskKnown: true, refused: [], ms: 1 };
  const held = renderMend({ ...outcome, hold: "the disk is being replaced" }, { isPreview });
  expect(held).toContain("nothing is swapped: the disk is being replaced (restore --resume ends the hold)");
  expect(held).toContain("no leaf is known to be damaged");
  expect(renderMend({ ...outcome, hold: null }, { isPreview })).not.toContain("swapped");
});

const LEAF = {
  ...{ name: "ohlcv_1m_2026_01", findings: [], from: null, rows: 1, added: null, after: [], ms: 1 },
  ...{ isAway: false, why: null },
} as const;
const said = (leaf: Partial<MendedLeaf>, hold: string | null, isPreview: boolean) =>
  renderMend(
    {
      ...{ leaves: [{ ...LEAF, outcome: "planned", ...leaf }], hold },
      ...{ isDiskKnown: true, refused: [], ms: 1 },
    },
    { isPreview },
  ).replaceAll(/\s+/g, " ");

test("a plan says of a leaf that a brake or the hold keeps away that it would not be swapped", () => {
  expect(said({}, null, true)).toContain("1 leaf would be restored");
  for (const text of [
    said({ why: "4 leaves are damaged" }, null, true),
    said({}, "a disk is replaced", true),
  ])
    expect(text).toContain("0 leaves would be restored, 1 leaf would be prepared and not swapped");
});

test("what waits for a person is named with the way on: the brakes, or the hold that must end first", () => {
  expect(said({ outcome: "prepared", why: "so" }, null, false)).toContain(
    "restore --damaged --beyond-brakes",
  );
  const held = said({ outcome: "prepared", why: "held" }, "a disk is replaced", false);
  expect(held).toContain("for a person: restore --resume ends the hold, then restore --damaged");
  expect(held).not.toContain("--beyond-brakes");
});
