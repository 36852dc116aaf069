import { expect, test } from "vitest";
import { renderMend } from "../../runner/src/restore/mend/mend-text.ts";

test.each([true, false])("without a damaged leaf the hold is said too (dry run: %s)", (isPreview) => {
  const outcome = { leaves: [], isDiskKnown: true, refused: [], ms: 1 };
  const held = renderMend({ ...outcome, hold: "the disk is being replaced" }, { isPreview });
  expect(held).toContain("nothing is swapped: the disk is being replaced (restore --resume ends the hold)");
  expect(held).toContain("no leaf is known to be damaged");
  expect(renderMend({ ...outcome, hold: null }, { isPreview })).not.toContain("swapped");
});
