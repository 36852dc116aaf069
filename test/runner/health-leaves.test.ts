import { expect, test } from "vitest";
import { INTERVALS } from "../../runner/src/contract/intervals.ts";
import { judgeAges, judgeDetaching, judgeLeaves } from "../../runner/src/health/leaves.ts";
import type { CheckResult } from "../../runner/src/health/report.ts";
import type { AttachedLeaf } from "../../runner/src/partition/attached.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { DAY, HOUR } from "../support/candle/arbitraries.ts";

const NOW = Date.UTC(2026, 5, 15);
const NEXT = [NOW + 31 * DAY, NOW + 92 * DAY, Date.UTC(2027, 0)];

/** The leaves of the periods of `moments`. */
const leavesOf = (...moments: readonly number[]) =>
  moments
    .flatMap((ms) => INTERVALS.map((interval) => leafAt(interval, ms)))
    .map(({ name, parent, span }) => ({ name, parent, span, isDetaching: false, options: [] }));
const judge = (leaves: readonly AttachedLeaf[], now = NOW, defaults: readonly string[] = []) =>
  judgeLeaves({ leaves, defaults }, INTERVALS, now);
const stranger = { name: "mine", parent: "ohlcv_1h", span: null, isDetaching: false, options: [] };

test.each<[string, CheckResult, CheckResult["status"], RegExp, readonly string[]]>([
  [
    "no leaf of now",
    judge(leavesOf(Date.UTC(2025, 0), ...NEXT)),
    "fail",
    /^20 leaves; those of now or of the next period are missing: where the part damage names one, run restore --damaged first; then run maint/,
    ["ohlcv_1m_2026_06", "ohlcv_15m_2026_q2"],
  ],
  [
    "no leaf of the next period",
    judge(leavesOf(NOW)),
    "warn",
    /run maint/,
    ["ohlcv_1m_2026_07", "ohlcv_15m_2026_q3", "ohlcv_1h_2027", "ohlcv_slow_2027"],
  ],
  [
    "none an hour before it begins",
    judge(leavesOf(NOW), Date.UTC(2026, 6) - HOUR),
    "fail",
    /run maint/,
    ["ohlcv_1m_2026_07", "ohlcv_15m_2026_q3", "ohlcv_1h_2027", "ohlcv_slow_2027"],
  ],
  [
    "one leaf",
    judge(leavesOf(NOW).slice(0, 1)),
    "warn",
    /^1 leaf; those of now/,
    expect.arrayContaining(["ohlcv_slow_2026"]),
  ],
  ["a table without any leaf", judge([]), "warn", /^0 leaves/, expect.arrayContaining(["ohlcv_slow_2026"])],
  ["leaves ahead", judge(leavesOf(NOW, ...NEXT)), "pass", /leaves, those of now and of the next period/, []],
  [
    "a DEFAULT partition",
    judge(leavesOf(NOW, ...NEXT), NOW, ["rest"]),
    "fail",
    /^a DEFAULT partition takes rows .*detach it/,
    ["rest"],
  ],
  [
    "a leaf of a stranger",
    judge([...leavesOf(NOW, ...NEXT), stranger]),
    "fail",
    /maint ends with 1/,
    [expect.stringContaining("r3a.mine below r3a.ohlcv_1h is no leaf of R3A")],
  ],
  ["a detach that was cut", judgeDetaching(["r3a.x"]), "fail", /cut off.*finalize/, ["r3a.x"]],
  ["no detach", judgeDetaching([]), "pass", /no partition is half detached/, []],
  ["an age of 599 million", judgeAges({ transactions: 599e6, multixacts: 0 }), "pass", /599 million/, []],
  ["one of 600 million", judgeAges({ transactions: 600e6, multixacts: 0 }), "warn", /vacuum \(freeze\)/, []],
  ["multixacts of 1,200 million", judgeAges({ transactions: 5, multixacts: 1_200e6 }), "fail", /vacuum/, []],
])("%s", (_, result, status, output, names) => {
  expect(result).toMatchObject({
    check: "integrity",
    status,
    output: expect.stringMatching(output),
    names,
    runbook: "OhlcvScriptErrors",
  });
});
