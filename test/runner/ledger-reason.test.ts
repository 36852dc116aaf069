import { describe, expect, test } from "vitest";
import type { BackupResult } from "../../runner/src/backup/backup-run.ts";
import { resultOf } from "../../runner/src/backup/ledger-result.ts";
import { reasonOfBeside, reasonOfWhole } from "../../runner/src/restore/ledger-reason.ts";
import type { Refused } from "../../runner/src/restore/refusal.ts";

const hot = { tier: "hot", address: "file:///hot", manifest: "m", fault: null } as const;
const complete: BackupResult = {
  ...{ kind: "daily", backup: 1, snapshotAt: 0, isWhole: false, leaves: 1, objects: 1, rows: 1, bytes: 1 },
  ...{ tiers: [hot], found: 0, open: 0, suspects: [], lost: [], collapse: null, leftOut: [], strangers: [] },
};

describe("a backup", () => {
  test("without anything to say has no reason", () => {
    expect(resultOf(complete)).toEqual({ exitCode: 0, hasFindings: true, reason: "" });
  });

  test("that is complete has findings, each of them named", () => {
    const found = { ...complete, open: 3, collapse: "it restores less", leftOut: ["r3a.other"] };
    const reason = "3 candles are suspect; it restores less; no backup holds r3a.other";
    expect(resultOf(found)).toEqual({ exitCode: 1, hasFindings: true, reason });
  });

  test("that a tier lacks has failed, whatever else it found", () => {
    const failed = {
      ...complete,
      tiers: [hot, { ...hot, tier: "cold" as const, fault: "no room" }],
      open: 1,
    };
    const reason = "cold is not complete: no room; 1 candles are suspect";
    expect(resultOf(failed)).toEqual({ exitCode: 1, hasFindings: false, reason });
  });
});

const refused: readonly Refused[] = ["m1", "m2"].map((manifest) => ({
  ...{ tier: "hot", manifest, leaf: null, reason: "the key opens none", isNewer: false, isAway: false },
}));
const leafOf = (name: string) => ({
  ...({ name, isHot: true, outcome: "failed", tier: null, rows: 0, bytes: 0, isAway: false, ms: 1 } as const),
  isWaiting: true,
});

describe("a restore", () => {
  test("from no backup at all says why, each reason once", () => {
    expect(reasonOfBeside({ leaves: null, refused })).toBe(
      "no backup can be restored from (hot: the key opens none)",
    );
    expect(reasonOfBeside({ leaves: [], refused: [] })).toBe("no backup has anything of what was asked for");
  });

  test("names the first leaves that are not restored, and how many more", () => {
    const leaves = ["a", "b", "c", "d", "e"].map((name) => ({ name, chosen: null, ms: 1, compared: null }));
    expect(reasonOfBeside({ leaves, refused: [] })).toBe("not restored: a, b, c and 2 more");
    expect(reasonOfWhole([leafOf("a"), { ...leafOf("b"), outcome: "restored" }], refused)).toBe(
      "not restored: a (hot: the key opens none)",
    );
    expect(reasonOfWhole([], refused)).toBe("");
  });
});
