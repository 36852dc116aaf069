import { expect, test } from "vitest";
import type { Refused } from "../../runner/src/restore/refusal.ts";
import type { LeafResult } from "../../runner/src/restore/whole/load-leaves.ts";
import { exitOf, type WholeOutcome } from "../../runner/src/restore/whole/whole-outcome.ts";

const OUTCOME: WholeOutcome = {
  ...{ from: null, isResumed: false, isOver: true, tables: [], leaves: [], rows: 0, hotMs: null, ms: 1 },
  refused: [],
};
const FROM = { tier: "hot", manifest: "m", snapshotAt: "2026-01-01T00:00:00Z" } as const;
const refused = (more: Partial<Refused> = {}): Refused => ({
  ...{ tier: "hot", manifest: null, leaf: null, reason: "", isNewer: false, isAway: false },
  ...more,
});
const leaf = (
  outcome: LeafResult["outcome"],
  { isWaiting = false, isAway = false }: Partial<Pick<LeafResult, "isWaiting" | "isAway">> = {},
): LeafResult => ({
  ...{ name: "ohlcv_1h_2026", isHot: true, outcome, isWaiting, isAway, tier: null, rows: 0, bytes: 0, ms: 0 },
});
const waiting = leaf("failed", { isWaiting: true });
const unanswered = leaf("failed", { isWaiting: true, isAway: true });
const away = refused({ isAway: true });

test.each<[string, Partial<WholeOutcome>, number]>([
  ["all is restored", { from: FROM, leaves: [leaf("restored")], refused: [away] }, 0],
  ["an accepted loss", { from: FROM, leaves: [leaf("restored"), leaf("failed")] }, 1],
  ["a leaf that no backup gives", { from: FROM, leaves: [leaf("restored"), waiting] }, 3],
  ["a leaf that may be in a tier which gave no answer", { from: FROM, leaves: [unanswered] }, 75],
  ["both of these", { from: FROM, leaves: [unanswered, waiting] }, 3],
  ["a loss, and a leaf that waits", { from: FROM, leaves: [leaf("failed"), unanswered] }, 75],
  ["no backup", {}, 3],
  ["backups that are all broken", { refused: [refused(), away] }, 3],
  ["tiers that all give no answer", { refused: [away, away] }, 75],
  ["backups of a later release alone", { refused: [refused({ isNewer: true }), refused()] }, 78],
])("%s", (_, outcome, code) => {
  expect(exitOf({ ...OUTCOME, ...outcome })).toBe(code);
});
