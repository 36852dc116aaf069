import { expect, test } from "vitest";
import type { Finding } from "../../runner/src/doctor/check.ts";
import { judgeBlocked, judgeHolders, judgeTransactions } from "../../runner/src/doctor/session.ts";

const S = 1_000;
const MIN = 60 * S;
const H = 60 * MIN;
const ofHolder = (scope: string) => (age_ms: number) =>
  judgeHolders([{ scope, key: "global", pid: 7, application: "r3a maint", age_ms }]);
const ofWait = (age_ms: number) =>
  judgeBlocked([
    { pid: 7, application: "psql", age_ms, is_advisory: false, is_standby: false, blockers: "9 psql, idle" },
  ]);
const ofTransaction = (is_idle: boolean) => (age_ms: number) =>
  judgeTransactions([{ pid: 7, application: "psql", is_idle, age_ms }]);

test.each<[string, (ms: number) => Finding, number, Finding["status"], Finding["status"]]>([
  ["a job's lock", ofHolder("maint"), 6 * H, "pass", "fail"],
  ["a series' lock", ofHolder("series"), 6 * H, "pass", "warn"],
  ["a wait", ofWait, S, "pass", "warn"],
  ["a long wait", ofWait, 10 * S, "warn", "fail"],
  ["an idle transaction", ofTransaction(true), MIN, "pass", "warn"],
  ["a transaction idle for long", ofTransaction(true), 10 * MIN, "warn", "fail"],
  ["a transaction at work", ofTransaction(false), H, "pass", "warn"],
  ["a transaction at work for long", ofTransaction(false), 6 * H, "warn", "fail"],
])("%s is judged anew at exactly its limit", (_, judge, limit, below, at) => {
  expect([judge(limit - 1).status, judge(limit).status]).toEqual([below, at]);
});
