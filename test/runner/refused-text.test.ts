import { expect, test } from "vitest";
import { ENCRYPTED_TO_OTHERS } from "../../runner/src/archive/object/fault.ts";
import type { Refused } from "../../runner/src/restore/refusal.ts";
import { concludeNone, renderRefused } from "../../runner/src/restore/refused-text.ts";

const refusal = (manifest: string, leaf: string | null, reason: string): Refused => ({
  ...{ tier: "hot", manifest: `manifests/${manifest}.json`, leaf, reason },
  ...{ isNewer: false, isAway: false },
});
const wrongKey = (object: string) => `objects/${object}.zst.age: ${ENCRYPTED_TO_OTHERS} (age1x)`;

test("a wrong key is said once for a tier, with the counts and the newest backup", () => {
  const refused = [3, 2, 1].flatMap((day) =>
    ["a", "b"].map((leaf) => refusal(`day${day}`, leaf, wrongKey(`${leaf}${day}`))),
  );
  expect(concludeNone(refused)).toMatch(/^the secret key opens no backup: give BACKUP_IDENTITY_FILE/);
  expect(renderRefused(refused).slice(2)).toEqual([
    `  hot, 3 backups, the newest manifests/day3.json, 2 leaves: the object is\n    encrypted to other keys than the identity's (age1x)`,
  ]);
});

test("objects that are broken keep their names, and a single refusal is whole", () => {
  const refused = [
    refusal("b", "leaf", "objects/1.zst.age is empty"),
    refusal("a", "leaf", "objects/2.zst.age is empty"),
    refusal("a", null, wrongKey("3")),
  ];
  expect(concludeNone(refused)).toBe("no backup can be restored from");
  expect(
    renderRefused(refused)
      .slice(2)
      .map((line) => line.replaceAll(/\n +/g, " ")),
  ).toEqual([
    "  hot, manifests/b.json, leaf: objects/1.zst.age is empty",
    "  hot, manifests/a.json, leaf: objects/2.zst.age is empty",
    `  hot, manifests/a.json: ${wrongKey("3")}`,
  ]);
});

test("what one backup does not know and another refuses otherwise is no conclusion", () => {
  const unknown = refusal("b", null, "it does not know NOSUCH");
  expect(concludeNone([unknown, { ...unknown, tier: "cold" }])).toBe("no backup knows NOSUCH");
  expect(concludeNone([unknown, refusal("a", null, "it was cut")])).toBe("no backup can be restored from");
  expect(concludeNone([])).toBe("no backup can be restored from: the tiers hold none");
});
