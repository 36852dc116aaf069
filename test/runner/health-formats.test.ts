import { describe, expect, test } from "vitest";
import { renderJson } from "../../runner/src/health/render/json.ts";
import { renderProm } from "../../runner/src/health/render/prom.ts";
import { renderMarkdown, renderReport } from "../../runner/src/health/render/text.ts";
import { type HealthReport, resultOf } from "../../runner/src/health/report.ts";
import { parseProm } from "../support/health/prom-text.ts";

const NOW = Date.parse("2024-06-01T12:00:00Z");
const CLOSE = NOW - 45_000;
const limits = { warn: 240, fail: 600 };

const REPORT: HealthReport = {
  now: NOW,
  status: "fail",
  away: null,
  results: [
    resultOf("freshness", "1m", {
      status: "pass",
      observed: 45,
      unit: "s",
      criteria: limits,
      at: CLOSE,
      output: "fresh",
    }),
    resultOf("coverage", "1m", {
      status: "fail",
      observed: 58,
      unit: "symbols",
      criteria: { expected: 60, seconds: 600 },
      output: "58 of 60",
      names: Array.from({ length: 12 }, (_, index) => `C${index}`),
    }),
    resultOf("integrity", "indexes", {
      status: "warn",
      observed: 0,
      unit: "faults",
      output: 'a | "b" \\ c\nd',
    }),
    resultOf("size", "database", { status: "error", output: "no answer" }),
    resultOf("size", "1m", {
      status: "pass",
      observed: 5000,
      unit: "candles",
      criteria: { min: 240 },
      output: "many",
    }),
    resultOf("backup", "", { status: "skip", output: "none" }),
    resultOf("activity", "sync 1m", {
      status: "pass",
      observed: 20,
      unit: "s",
      criteria: { fail: 600 },
      at: NOW - 20_000,
      output: "ran",
    }),
  ],
};

test("the table says status in glyph and word, ends a failure with its runbook, and has no colour code", () => {
  expect(renderReport(REPORT)).toBe(`✓ pass   freshness 1m       fresh
✗ fail   coverage 1m        58 of 60: C0, C1, C2, C3, C4, C5, C6, C7, C8, C9 and 2 more -> OhlcvSymbolsMissing
! warn   integrity indexes  a | "b" \\ c
d
? error  size database      no answer -> OhlcvDiskSpaceLow
✓ pass   size 1m            many
- skip   backup             none
✓ pass   activity sync 1m   ran
health at 2024-06-01T12:00:00Z: fail (3 pass, 1 warn, 1 fail, 1 error, 1 skip)
`);
});

test("Markdown keeps a row a row", () => {
  const lines = renderMarkdown(REPORT).split("\n");
  expect(lines.slice(0, 4)).toEqual([
    "**health at 2024-06-01T12:00:00Z: fail (3 pass, 1 warn, 1 fail, 1 error, 1 skip)**",
    "",
    "| check | of | status | found |",
    "|---|---|---|---|",
  ]);
  expect(lines[6]).toBe('| integrity | indexes | ! warn | a \\| "b" \\\\ c d |');
  expect(lines).toHaveLength(12);
});

test("JSON has the names of the draft, and a version", () => {
  const json = JSON.parse(renderJson(REPORT));
  expect(Object.keys(json)).toEqual(["version", "command", "status", "time", "databaseUp", "checks"]);
  expect(json).toMatchObject({
    version: 1,
    command: "health",
    status: "fail",
    time: "2024-06-01T12:00:00Z",
    databaseUp: true,
  });
  expect(Object.keys(json.checks)).toEqual([
    "freshness:age",
    "coverage:symbols",
    "integrity:faults",
    "size:stored",
    "backup:age",
    "activity:age",
  ]);
  expect(json.checks["freshness:age"]).toEqual([
    {
      componentId: "1m",
      status: "pass",
      observedValue: 45,
      observedUnit: "s",
      observedTime: "2024-06-01T11:59:15Z",
      criteria: limits,
      time: "2024-06-01T12:00:00Z",
      output: "fresh",
      names: [],
      moreNames: 0,
      runbook: "OhlcvDataStale",
    },
  ]);
  expect(json.checks["size:stored"]).toHaveLength(2);
  expect(json.checks["coverage:symbols"][0]).toMatchObject({ moreNames: 2, observedValue: 58 });
});

describe("the metrics", () => {
  const metrics = parseProm(renderProm(REPORT));
  const value = (sample: string) => metrics.get(sample);

  test("are moments, not ages, with the limits beside them", () => {
    expect(value('ohlcv_last_candle_timestamp_seconds{interval="1m"}')).toBe(CLOSE / 1000);
    expect(value('ohlcv_freshness_limit_seconds{interval="1m",level="warning"}')).toBe(240);
    expect(value('ohlcv_freshness_limit_seconds{interval="1m",level="error"}')).toBe(600);
    expect(value('ohlcv_last_sync_timestamp_seconds{job_name="sync 1m"}')).toBe(NOW / 1000 - 20);
    expect(value('ohlcv_symbols_succeeded{interval="1m"}')).toBe(58);
    expect(value('ohlcv_symbols_expected{interval="1m"}')).toBe(60);
    expect(value('ohlcv_db_records{interval="1m"}')).toBe(5000);
    expect(value("ohlcv_db_up")).toBe(1);
    expect([...metrics.keys()].filter((name) => /_age|_since/.test(name))).toEqual([]);
  });

  test("have no sample of what was not measured, and a 0 for the check", () => {
    expect(value("ohlcv_db_size_bytes")).toBeUndefined();
    expect(value('ohlcv_health_check_ok{check="size",component="database"}')).toBe(0);
    expect(value('ohlcv_health_check_ok{check="coverage",component="1m"}')).toBe(0);
    expect(value('ohlcv_health_check_ok{check="integrity",component="indexes"}')).toBe(1);
    expect([...metrics.keys()].filter((name) => name.includes("backup"))).toEqual([]);
  });

  test("say that the database is away and keep no state of it", () => {
    const results = REPORT.results.map(({ check, component }) =>
      resultOf(check, component, { status: "error", output: "" }),
    );
    const away = parseProm(renderProm({ now: NOW, status: "error", away: new Error("gone"), results }));
    expect(away.get("ohlcv_db_up")).toBe(0);
    const kept = /^ohlcv_(db_up|health_check_)/;
    expect([...away.keys()].filter((name) => !kept.test(name))).toEqual([]);
  });

  test("escape what stands in a label", () => {
    const odd = { ...REPORT, results: [resultOf("activity", 'a"b\\c\nd', { status: "pass", output: "" })] };
    expect(renderProm(odd)).toContain('component="a\\"b\\\\c\\nd"');
    parseProm(renderProm(odd));
  });
});
