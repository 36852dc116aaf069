import { expect, test } from "vitest";
import type { SeriesScan } from "../../runner/src/db/scan.ts";
import { judgeGaps, judgePending } from "../../runner/src/health/integrity.ts";

const NOW = Date.UTC(2026, 5, 15);
const series = (more: Partial<SeriesScan>): SeriesScan => ({
  coinId: 1,
  symbol: "AUSDT",
  interval: "1h",
  newestClose: NOW,
  gaps: 0,
  notRequested: 0,
  inBackup: 0,
  dueSince: null,
  ...more,
});

test("gaps that nobody asked for are counted and named, and are no fault", () => {
  expect(judgeGaps([series({ notRequested: 2 }), series({})], NOW)).toMatchObject({
    status: "pass",
    observed: 0,
    criteria: { notRequested: 2, inBackup: 0 },
    output: "no gap is open; 2 gaps were never asked for: r3a gaps --state not_requested",
  });
  const both = judgeGaps([series({ gaps: 1, notRequested: 1 })], NOW);
  expect(both.runbook).toBe("OhlcvScriptErrors");
  expect(both.output).toMatch(/^1 open gap, which gaps --repair .* at its time; 1 gap was never asked for/);
});

test("gaps that a restore has yet to load are told from those that nobody asked for", () => {
  const { status, output } = judgeGaps([series({ notRequested: 5, inBackup: 3 })], NOW);
  expect([status, output]).toEqual([
    "pass",
    "no gap is open; 2 gaps were never asked for: r3a gaps --state not_requested; 3 gaps are in the backup, and a restore loads them: r3a gaps --state not_requested",
  ]);
});

test("fails while a restore keeps every command away, and warns while history loads", () => {
  const judge = (isGated: boolean, pending: readonly string[] = []) =>
    judgePending(pending, { loaded: 3, leaves: 9, isGated, isAlive: true });
  const output = expect.stringContaining("3 of 9 leaves are loaded");
  expect(judge(true, ["000011_health_results"])).toMatchObject({ status: "fail", output, names: [] });
  expect(judge(false)).toMatchObject({ status: "warn", output });
  expect(judge(false, ["000011_health_results"])).toMatchObject({
    status: "fail",
    names: ["000011_health_results"],
  });
});
