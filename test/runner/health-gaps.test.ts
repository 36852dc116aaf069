import { expect, test } from "vitest";
import type { SeriesScan } from "../../runner/src/db/scan.ts";
import { judgeGaps } from "../../runner/src/health/integrity.ts";

const NOW = Date.UTC(2026, 5, 15);
const series = (more: Partial<SeriesScan>): SeriesScan => ({
  coinId: 1,
  symbol: "AUSDT",
  interval: "1h",
  newestClose: NOW,
  gaps: 0,
  notRequested: 0,
  dueSince: null,
  ...more,
});

test("gaps that nobody asked for are counted and named, and are no fault", () => {
  expect(judgeGaps([series({ notRequested: 2 }), series({})], NOW)).toMatchObject({
    status: "pass",
    observed: 0,
    criteria: { notRequested: 2 },
    output: "no gap is open; 2 gaps were never asked for: r3a gaps --state not_requested",
  });
  const both = judgeGaps([series({ gaps: 1, notRequested: 1 })], NOW);
  expect(both.runbook).toBe("OhlcvScriptErrors");
  expect(both.output).toMatch(/^1 open gap, which gaps --repair .* at its time; 1 gap was never asked for/);
});
