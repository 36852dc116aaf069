import { describe, expect, test } from "vitest";
import { freshnessLimits } from "../../infra/model/freshness.ts";
import { resolveJobs } from "../../infra/model/resolve-jobs.ts";
import { SETTINGS, type Settings } from "../../infra/settings/schema.ts";
import { DEFAULT_FRESHNESS_LIMITS, renderFreshnessLimits } from "../../runner/src/contract/freshness.ts";
import { parseSettings } from "../../runner/src/settings/parse.ts";
import { render } from "../support/render.ts";

const limitsOf = (jobs: Settings["jobs"]) => freshnessLimits(resolveJobs(SETTINGS.parse({ jobs })));
const limitOf = (jobs: Settings["jobs"], interval: string) =>
  limitsOf(jobs).find((limit) => limit.interval === interval);

test("the limits of the table are the defaults of health", () => {
  expect(renderFreshnessLimits(freshnessLimits(resolveJobs(SETTINGS.parse({}))))).toBe(
    DEFAULT_FRESHNESS_LIMITS,
  );
});

describe("a changed schedule changes its interval's limits", () => {
  test.each([
    // max(period, width) + offset + run
    ["1h each two hours, at minute 5", { "sync-1h": { schedule: "5 */2 * * *" } }, "1h", 7_200 + 300 + 1_800],
    ["1d at noon", { "sync-1d": { schedule: "0 12 * * *" } }, "1d", 86_400 + 43_200 + 1_800],
    ["4h after each close", { "sync-4h": { schedule: "2 */4 * * *" } }, "4h", 14_400 + 120 + 1_800],
    ["1d on workdays alone", { "sync-1d": { schedule: "0 2 * * 1-5" } }, "1d", 3 * 86_400 + 7_200 + 1_800],
    ["1h each minute", { "sync-1h": { schedule: "* * * * *" } }, "1h", 3_600 + 180],
    ["15m at odd minutes", { "sync-15m": { schedule: "7,22,37,52 * * * *" } }, "15m", 900 + 420 + 1_200],
  ])("%s", (_, jobs, interval, warn) => {
    expect(limitOf(jobs, interval)).toMatchObject({ warn });
  });
});

test("the limit of a job that repeats itself follows from its period, not from its schedule", () => {
  const jobs = { "sync-1m": { runMode: "deployment", schedule: "0 2 * * *" } } as const;
  expect(limitOf(jobs, "1m")).toEqual({ interval: "1m", warn: 240, error: 600 });
});

test("the job of the largest markets counts only where no other syncs the interval", () => {
  const slow = { "sync-1m": { schedule: "*/15 * * * *" } };
  expect(limitOf(slow, "1m")).toMatchObject({ warn: 900 + 1_200 });
  expect(limitOf({ "sync-1m": { enabled: false } }, "1m")).toMatchObject({ warn: 240 });
});

test("an interval that no job syncs has no limit", () => {
  const none = { "sync-1d": { enabled: false } };
  expect(limitsOf(none).map(({ interval }) => interval)).toEqual(["1m", "15m", "1h", "4h"]);
});

test("the runner reads back what the ConfigMap and the pod of health hold", () => {
  const objects = render({
    databaseSizeBudgetGb: 120,
    refreshLookback: "36 hours",
    vacuumAnalyzeOnly: false,
  });
  const { data } = objects.find(({ kind }) => kind === "ConfigMap") as unknown as {
    data: Record<string, string>;
  };
  const health = objects.filter((object) => JSON.stringify(object).includes("FRESHNESS_LIMITS"));
  expect(health.map(({ kind, metadata }) => `${kind}/${metadata.name}`)).toEqual(["CronJob/r3a-health"]);
  const [, limits] = /"name":"FRESHNESS_LIMITS","value":"([^"]*)"/.exec(JSON.stringify(health)) ?? [];
  const names = [
    "maintMaxOps",
    "refreshLookbackMs",
    "vacuumAnalyzeOnly",
    "freshnessLimits",
    "dbSizeBudgetGb",
  ] as const;
  expect(parseSettings({ ...data, FRESHNESS_LIMITS: limits }, names)).toEqual({
    maintMaxOps: 300,
    refreshLookbackMs: 36 * 3_600_000,
    vacuumAnalyzeOnly: false,
    freshnessLimits: parseSettings({}, ["freshnessLimits"]).freshnessLimits,
    dbSizeBudgetGb: 120,
  });
  const byDefault = render().find(({ kind }) => kind === "ConfigMap");
  expect(JSON.stringify(byDefault)).not.toContain("DB_SIZE_BUDGET_GB");
});

test.each(["3 days", "1 minute", "90 seconds", "0 days", "3 weeks", "12345678 days"])(
  "a lookback of %j is right for both or for neither",
  (refreshLookback) => {
    const isRunners = () => parseSettings({ REFRESH_LOOKBACK: refreshLookback }, ["refreshLookbackMs"]);
    const { success } = SETTINGS.safeParse({ refreshLookback });
    if (success) expect(isRunners).not.toThrow();
    else expect(isRunners).toThrow();
  },
);
