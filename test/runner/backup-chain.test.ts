import fc from "fast-check";
import { expect, test } from "vitest";
import { parseManifestKey, renderManifest } from "../../runner/src/archive/manifest.ts";
import { nameTime, orderManifests } from "../../runner/src/backup/chain.ts";
import { manifest } from "../support/backup-manifest.ts";

const keyOf = (madeAt: string, kind: "daily" | "delta" = "delta") =>
  renderManifest(manifest({ madeAt, kind })).key;
const OLD = keyOf("2024-01-31T23:59:59Z", "daily");
const MIDDLE = keyOf("2024-02-01T02:00:00Z");
const NEW = keyOf("2024-02-01T02:15:00Z");

test("manifests are listed newest first whatever their order and kind, and strangers by name", () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([OLD, MIDDLE, NEW], { minLength: 3 }), (keys) => {
      const { newestFirst, strangers } = orderManifests([...keys, "manifests/readme.txt"]);
      expect(newestFirst.map(({ key }) => key)).toEqual([NEW, MIDDLE, OLD]);
      expect(strangers).toEqual(["manifests/readme.txt"]);
    }),
  );
});

test("a new manifest is named after the newest of every tier, also where the clock was set back", () => {
  const [old, recent] = [OLD, NEW].map((key) => parseManifestKey(key));
  const now = Date.parse("2024-02-01T02:00:00.900Z");
  expect(nameTime(now, [])).toBe(Date.parse("2024-02-01T02:00:00Z"));
  expect(nameTime(now, [old ?? null, null])).toBe(Date.parse("2024-02-01T02:00:00Z"));
  expect(nameTime(now, [old ?? null, recent ?? null])).toBe(Date.parse("2024-02-01T02:15:01Z"));
});
