import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GAP_OVERDUE_MS } from "../../runner/src/candle/gap-due.ts";
import type { ExpectedSymbol, SeriesScan } from "../../runner/src/db/scan.ts";
import { judgeCoverage } from "../../runner/src/health/coverage.ts";
import { judgeFreshness } from "../../runner/src/health/freshness.ts";
import { judgeChecksums, judgeGaps, judgePending } from "../../runner/src/health/integrity.ts";
import { isHealthy, resultOf } from "../../runner/src/health/report.ts";
import { judgeRecords, judgeSize } from "../../runner/src/health/size.ts";
import { parseSettings } from "../../runner/src/settings/parse.ts";
import type { Status } from "../../runner/src/status.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../runner/src/time.ts";

const NOW = Date.parse("2024-06-01T01:59:00Z");
const LIMITS = parseSettings({}, ["freshnessLimits"]).freshnessLimits;
const names = (count: number) => Array.from({ length: count }, (_, index) => `C${index + 10}USDT`);

const expected = (symbol: string, more: Partial<ExpectedSymbol> = {}): ExpectedSymbol => ({
  symbol,
  status: "TRADING",
  closedAt: null,
  firstCandle: 0,
  enteredAt: null,
  ...more,
});
const stored = (symbol: string, ageMs: number | null, more: Partial<SeriesScan> = {}): SeriesScan => ({
  coinId: 1,
  symbol,
  interval: "1h",
  newestClose: ageMs === null ? null : NOW - ageMs,
  gaps: 0,
  notRequested: 0,
  inBackup: 0,
  dueSince: null,
  ...more,
});
const factsOf = (ages: Readonly<Record<string, number | null>>) => ({
  expected: Object.keys(ages).map((symbol) => expected(symbol)),
  series: Object.entries(ages).map(([symbol, age]) => stored(symbol, age)),
});

describe("freshness", () => {
  const judge = (facts: Parameters<typeof judgeFreshness>[1]) =>
    judgeFreshness("1h", facts, { limits: LIMITS["1h"], now: NOW });

  test.each([
    [0, "pass"],
    [90 * MINUTE_MS - 1, "pass"],
    [90 * MINUTE_MS, "warn"],
    [150 * MINUTE_MS - 1, "warn"],
    [150 * MINUTE_MS, "fail"],
    [-2 * MINUTE_MS, "pass"],
    [-2 * MINUTE_MS - 1, "fail"],
  ] as const)("of a close %i ms ago is %s", (age, status) => {
    expect(judge(factsOf({ A: age }))).toMatchObject({
      status,
      at: NOW - age,
      criteria: { warn: 5400, fail: 9000 },
    });
  });

  test("lets a daily job that starts two hours after the close run for half an hour without a warning", () => {
    const oldest = DAY_MS + 2 * HOUR_MS + 30 * MINUTE_MS - 1;
    const facts = { expected: [expected("A")], series: [stored("A", oldest, { interval: "1d" })] };
    expect(judgeFreshness("1d", facts, { limits: LIMITS["1d"], now: NOW }).status).toBe("pass");
  });

  test("names those that close in the future, whatever is stale beside them", () => {
    const result = judge(factsOf({ A: 10 * DAY_MS, B: -3 * HOUR_MS, C: 0 }));
    expect(result).toMatchObject({ status: "fail", observed: -10_800, names: ["B"] });
    expect(result.output).toContain("3.0 h from now");
  });

  test("is a failure without rows, without symbols and without active ones", () => {
    expect(judge(factsOf({ A: null, B: null })).output).toBe(
      "no candle of any of 2 active symbols is stored",
    );
    expect(judge({ expected: [], series: [stored("A", 0)] }).output).toContain(
      "nothing was ranked yet (run a sync without --top and --symbols, such as sync 1h, or set SYMBOLS)",
    );
    const gone = { expected: [expected("A", { status: "BREAK" })], series: [stored("A", 0)] };
    expect(judge(gone)).toMatchObject({ status: "fail", output: "none of 1 symbols is traded any more" });
    expect(judge({ ...factsOf({ A: 0 }), series: [stored("A", 0, { interval: "1m" })] }).status).toBe("fail");
  });

  test("never gets better with age", () => {
    const rank = (age: number) => ["pass", "warn", "fail"].indexOf(judge(factsOf({ A: age })).status);
    fc.assert(
      fc.property(
        fc.nat(20 * HOUR_MS),
        fc.nat(20 * HOUR_MS),
        (a, b) => rank(Math.min(a, b)) <= rank(Math.max(a, b)),
      ),
    );
  });
});

describe("coverage", () => {
  const judge = (facts: Parameters<typeof judgeCoverage>[1]) =>
    judgeCoverage("1h", facts, { limits: LIMITS["1h"], now: NOW });

  test("fails for one symbol of sixty, and for 59 behind a fresh one, which the freshness does not see", () => {
    const all = names(60);
    const one = factsOf(Object.fromEntries(all.map((symbol, index) => [symbol, index === 7 ? DAY_MS : 0])));
    expect(judge(one)).toMatchObject({
      status: "fail",
      observed: 59,
      criteria: { expected: 60 },
      moreNames: 0,
    });
    expect(judge(one).names).toEqual(["C17USDT (2024-05-31T01:59:00Z)"]);
    const most = factsOf(Object.fromEntries(all.map((symbol, index) => [symbol, index === 0 ? 0 : DAY_MS])));
    expect(judgeFreshness("1h", most, { limits: LIMITS["1h"], now: NOW }).status).toBe("pass");
    expect(judge(most)).toMatchObject({ status: "fail", observed: 1, moreNames: 49 });
    expect(judge(most).names).toHaveLength(10);
  });

  test("counts a symbol as missing from the moment on at which its newest candle reaches the limit", () => {
    const statusOf = (age: number) => judge(factsOf({ A: age })).status;
    expect([LIMITS["1h"].error - 1, -2 * MINUTE_MS].map(statusOf)).toEqual(["pass", "pass"]);
    expect([LIMITS["1h"].error, -2 * MINUTE_MS - 1].map(statusOf)).toEqual(["fail", "fail"]);
  });

  test("counts a symbol that closes in the future, one without rows and one that nobody knows as missing", () => {
    const facts = factsOf({ A: 0, B: -HOUR_MS, C: null });
    const unknown = expected("D", { status: null, firstCandle: null });
    const result = judge({ ...facts, expected: [...facts.expected, unknown] });
    expect(result).toMatchObject({ status: "fail", observed: 1, criteria: { expected: 4 } });
    expect(result.names).toEqual(["B (2024-06-01T02:59:00Z)", "C (nothing stored)", "D (nothing stored)"]);
  });

  test("warns of what is not traded any more and expects it no longer", () => {
    const facts = factsOf({ A: 0 });
    const gone = expected("LUNAUSDT", { status: "BREAK", closedAt: NOW - DAY_MS });
    expect(judge({ ...facts, expected: [...facts.expected, gone] })).toMatchObject({
      status: "warn",
      observed: 1,
      criteria: { expected: 1 },
      names: ["LUNAUSDT (BREAK since 2024-05-31T01:59:00Z)"],
    });
  });

  test.each([
    ["came among the largest", { enteredAt: NOW - HOUR_MS }, { enteredAt: NOW - 3 * HOUR_MS }],
    ["was listed", { firstCandle: NOW - HOUR_MS }, { firstCandle: NOW - 5 * HOUR_MS }],
  ])("gives one that %s just now the time of its first run", (_, young, old) => {
    const withOne = (more: Partial<ExpectedSymbol>) => {
      const facts = factsOf({ A: 0 });
      return judge({ ...facts, expected: [...facts.expected, expected("N", more)] });
    };
    expect(withOne(young)).toMatchObject({
      status: "pass",
      observed: 1,
      output: "1 of 1 symbols are up to date, 1 new",
    });
    expect(withOne(old)).toMatchObject({ status: "fail", observed: 1 });
  });

  test("does not pass on new symbols alone", () => {
    const facts = { expected: [expected("N", { enteredAt: NOW })], series: [] };
    expect(judge(facts)).toMatchObject({ status: "fail", names: ["N (nothing stored)"] });
  });
});

describe("integrity", () => {
  test("warns of open gaps and fails when nobody asks for one any more", () => {
    const judge = (dueSince: number | null) =>
      judgeGaps([stored("A", 0, { gaps: 3, dueSince }), stored("B", 0)], NOW);
    expect(judge(NOW - GAP_OVERDUE_MS)).toMatchObject({ status: "warn", observed: 3, names: ["A 1h: 3"] });
    expect(judge(null).status).toBe("warn");
    expect(judge(NOW - GAP_OVERDUE_MS - 1)).toMatchObject({ status: "fail", names: ["A 1h: 3"] });
    expect(judgeGaps([stored("A", 0)], NOW)).toMatchObject({ status: "pass", observed: 0 });
  });

  test("names the runbook of failed jobs, not of damaged data, for a migration that was not run", () => {
    const result = judgePending(["000011_health_results"], null);
    expect(result).toMatchObject({ status: "fail", runbook: "OhlcvScriptErrors" });
  });

  test("tells checksums that are off from none that failed", () => {
    expect(judgeChecksums(null)).toMatchObject({ status: "warn", observed: null });
    const statusOf = (failures: number, isMended: boolean) => judgeChecksums({ failures, isMended }).status;
    expect([statusOf(0, false), statusOf(1, false), statusOf(1, true)]).toEqual(["pass", "fail", "pass"]);
  });
});

describe("size", () => {
  const GB = 1e9;
  const judge = (bytes: number, budget: number | null, more = {}) =>
    judgeSize({ bytes, symbols: 60, past: null, ...more }, budget, NOW).status;

  test.each([
    [7e9 - 1, "pass"],
    [7e9, "warn"],
    [8.5e9, "warn"],
    [8.5e9 + 1, "fail"],
  ])("of %i bytes in a budget of 10 GB is %s", (bytes, status) => {
    expect(judge(bytes, 10)).toBe(status);
  });

  test("below 10 MB is a failure where sixty symbols are stored, and none where a few are", () => {
    expect([judge(1e7 - 1, null), judge(1e7, null), judge(1e7 - 1, 10)]).toEqual(["fail", "pass", "fail"]);
    expect(judge(9e6, null, { symbols: 59 })).toBe("pass");
  });

  test("warns when its pace leads over the budget within 30 days", () => {
    const past = { bytes: 1 * GB, at: NOW - 10 * DAY_MS };
    expect([judge(3 * GB, 10, { past }), judge(3.5 * GB, 10, { past })]).toEqual(["pass", "warn"]);
  });

  test("shares the leaves of 4h and 1d by what they cover, and warns of far too few candles", () => {
    const shared = { parent: "ohlcv_slow", series: 60 };
    const judgeOf = (parentCandles: number) =>
      judgeRecords(
        [
          { ...shared, interval: "4h", slots: 3600, parentCandles },
          { ...shared, interval: "1d", slots: 600, parentCandles },
        ],
        ["4h", "1d"],
      ).map(({ component, observed, status }) => [component, observed, status]);
    expect(judgeOf(4200)).toEqual([
      ["4h", 3600, "pass"],
      ["1d", 600, "pass"],
    ]);
    expect(judgeOf(700)).toEqual([
      ["4h", 600, "pass"],
      ["1d", 100, "warn"],
    ]);
    const empty = { interval: "1m", parent: "ohlcv_1m", series: 0, slots: 0, parentCandles: 0 } as const;
    expect(judgeRecords([empty], ["1m"])).toMatchObject([{ observed: 0, status: "pass" }]);
  });
});

describe("the whole", () => {
  test("is no health where anything could not be measured", () => {
    const all: readonly Status[] = ["pass", "skip", "warn", "error", "fail"];
    const healthy = (status: Status, isStrict: boolean) =>
      isHealthy({ now: NOW, status, away: null, results: [] }, isStrict);
    expect(all.filter((status) => healthy(status, false))).toEqual(["pass", "skip", "warn"]);
    expect(all.filter((status) => healthy(status, true))).toEqual(["pass", "skip"]);
  });

  test("keeps ten names and counts the rest", () => {
    expect(resultOf("size", "", { status: "fail", output: "", names: names(12) })).toMatchObject({
      names: names(10),
      moreNames: 2,
    });
  });
});
