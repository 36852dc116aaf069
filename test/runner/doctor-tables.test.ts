import { expect, test } from "vitest";
import { INTERVALS } from "../../runner/src/contract/intervals.ts";
import type { Finding } from "../../runner/src/doctor/check.ts";
import {
  judgeAges,
  judgeDetaching,
  judgeIndexes,
  judgePartitions,
  judgeSize,
} from "../../runner/src/doctor/tables.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { HOUR_MS } from "../../runner/src/time.ts";

const GB = 1e9;
const NOW = Date.UTC(2026, 5, 15);

const index = { kind: "invalid", index: "i", of_table: "r3a.t", is_building: false } as const;

/** Partitions with the leaves of the periods of `moments`. */
const leavesOf = (...moments: readonly number[]) =>
  moments
    .flatMap((ms) => INTERVALS.map((interval) => leafAt(interval, ms).name))
    .map((name) => ({ name, is_leaf: true, is_default: false }));
const NEXT = [NOW + 31 * 24 * HOUR_MS, NOW + 92 * 24 * HOUR_MS, Date.UTC(2027, 0)];

test.each<[string, Finding, Finding["status"], RegExp, RegExp]>([
  [
    "no leaf of now",
    judgePartitions(leavesOf(Date.UTC(2025, 0), ...NEXT), NOW),
    "fail",
    /: ohlcv_1m_2026_06, ohlcv_15m_2026_q2$/,
    /runner maint/,
  ],
  [
    "no leaf of the next period",
    judgePartitions(leavesOf(NOW), NOW),
    "warn",
    /: ohlcv_1m_2026_07, ohlcv_15m_2026_q3, ohlcv_1h_2027, ohlcv_slow_2027$/,
    /runner maint/,
  ],
  [
    "none an hour before it begins",
    judgePartitions(leavesOf(NOW), Date.UTC(2026, 6) - HOUR_MS),
    "fail",
    /ohlcv_1m_2026_07/,
    /runner maint/,
  ],
  [
    "a table without any leaf",
    judgePartitions([], NOW),
    "warn",
    /^0 leaves; .*ohlcv_slow_2026/,
    /runner maint/,
  ],
  [
    "leaves ahead",
    judgePartitions(leavesOf(NOW, ...NEXT), NOW),
    "pass",
    /leaves, those of now and of the next period/,
    /^$/,
  ],
  [
    "a DEFAULT partition",
    judgePartitions([...leavesOf(NOW, ...NEXT), { name: "d", is_leaf: true, is_default: true }], NOW),
    "fail",
    /d is a DEFAULT/,
    /detach/,
  ],
  ["an invalid index", judgeIndexes([index]), "fail", /i of r3a\.t is invalid/, /maint --dry-run/],
  ["an index in the making", judgeIndexes([{ ...index, is_building: true }]), "pass", /1 being built/, /^$/],
  ["a detach that was cut", judgeDetaching(["r3a.x"]), "fail", /r3a\.x.*cut off/, /finalize/],
  ["75 % of the budget", judgeSize(75 * GB, 100), "warn", /75\.0 GB, 75 %/, /DB_SIZE_BUDGET_GB/],
  ["90 % of the budget", judgeSize(90 * GB, 100), "fail", /90 %/, /enlarge/],
  ["a size without a budget", judgeSize(90 * GB, null), "skip", /90\.0 GB; no DB_SIZE_BUDGET_GB/, /^$/],
  [
    "an age of 700 million",
    judgeAges({ transactions: 700e6, multixacts: 0 }),
    "warn",
    /700 million/,
    /vacuum \(freeze\)/,
  ],
  [
    "multixacts of 1,300 million",
    judgeAges({ transactions: 5, multixacts: 1_300e6 }),
    "fail",
    /multixact/,
    /vacuum/,
  ],
])("%s", (_, finding, status, found, remedy) => {
  expect(finding).toEqual({
    status,
    found: expect.stringMatching(found),
    remedy: expect.stringMatching(remedy),
  });
});
