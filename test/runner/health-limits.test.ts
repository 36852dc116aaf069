import { expect, test } from "vitest";
import { judgeCoverage } from "../../runner/src/health/coverage.ts";
import { judgeSchema } from "../../runner/src/health/integrity.ts";
import { parseSettings } from "../../runner/src/settings/parse.ts";

const NOW = Date.parse("2024-06-01T01:59:00Z");
const LIMITS = parseSettings({}, ["freshnessLimits"]).freshnessLimits["1h"];

test("a symbol is missing from the moment on at which its newest candle reaches the limit", () => {
  const statusAt = (ageMs: number) => {
    const expected = [
      { symbol: "A", status: "TRADING", closedAt: null, firstCandle: 0, enteredAt: null },
    ] as const;
    const series = [
      { symbol: "A", interval: "1h", newestClose: NOW - ageMs, gaps: 0, dueSince: null },
    ] as const;
    return judgeCoverage("1h", { expected, series }, LIMITS, NOW).status;
  };
  expect([statusAt(LIMITS.error - 1), statusAt(LIMITS.error)]).toEqual(["pass", "fail"]);
  expect([statusAt(-120_000), statusAt(-120_001)]).toEqual(["pass", "fail"]);
});

test("a migration that was not run leads to the runbook of failed jobs, not of damaged data", () => {
  expect(judgeSchema(["000011_health_results"])).toMatchObject({
    status: "fail",
    runbook: "OhlcvScriptErrors",
  });
});
