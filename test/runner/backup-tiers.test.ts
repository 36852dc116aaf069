import { expect, test } from "vitest";
import { ObjectFault } from "../../runner/src/archive/object/fault.ts";
import { createDueTiers, failWithout } from "../../runner/src/backup/due-tiers.ts";
import { exitCodeOf, messageOf } from "../../runner/src/errors.ts";
import { StoreFault, type StoreFaultKind } from "../../runner/src/store/fault.ts";
import { openFolderStore } from "../../runner/src/store/folder-store.ts";

const storeOf = (tier: "hot" | "warm") => openFolderStore("/nowhere", { tier, report: () => {} });
const faultOf = (kind: StoreFaultKind, tier: "hot" | "warm") =>
  new StoreFault(kind, `it is ${kind}`, { tier, address: "file:///nowhere", key: "" });

/** The exit code and the words of a run whose tiers end with these. */
async function endOf(faults: readonly [hot: StoreFaultKind | Error, warm: StoreFaultKind | Error]) {
  const tiers = createDueTiers([storeOf("hot"), storeOf("warm")], () => {});
  failWithout(tiers);
  await tiers.inEach(async ({ tier }) => {
    const fault = faults[tier === "hot" ? 0 : 1];
    throw typeof fault === "string" ? faultOf(fault, tier === "hot" ? "hot" : "warm") : fault;
  });
  try {
    failWithout(tiers);
  } catch (error) {
    return { code: exitCodeOf(error), words: messageOf(error) };
  }
  throw new Error("a run without a tier goes on");
}

test.each<[number, StoreFaultKind | Error, StoreFaultKind | Error]>([
  [78, "denied", "no-bucket"],
  [78, "refused", "refused"],
  [75, "unreachable", "full"],
  [75, "clock", "clock"],
  [75, "denied", "unreachable"],
  [1, "broken", "denied"],
  [1, new ObjectFault("it is damaged"), new ObjectFault("it is damaged")],
])("where every tier failed, the exit code is %s by what helps: %s and %s", async (code, hot, warm) => {
  const end = await endOf([hot, warm]);
  expect(end.code).toBe(code);
  for (const fault of [hot, warm])
    expect(end.words).toContain(typeof fault === "string" ? `it is ${fault}` : fault.message);
});

test("one tier that is left is enough", async () => {
  const tiers = createDueTiers([storeOf("hot"), storeOf("warm")], () => {});
  await tiers.inEach(async ({ tier }) => {
    if (tier === "hot") throw faultOf("denied", tier);
  });
  expect(() => failWithout(tiers)).not.toThrow();
});
