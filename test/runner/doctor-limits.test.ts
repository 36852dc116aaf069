import { expect, test } from "vitest";
import type { Finding } from "../../runner/src/doctor/check.ts";
import { judgeGaps, judgeRunning, judgeRuns } from "../../runner/src/doctor/ledger.ts";
import { judgeBlocked, judgeHolders, judgeTransactions } from "../../runner/src/doctor/session.ts";

const S = 1_000;
const MIN = 60 * S;
const H = 60 * MIN;
const run = {
  command: "sync",
  arguments: "1m",
  origin: "sync-1m",
  outcome: "failure",
  exit_code: 1,
  error_summary: null,
  deadline_s: null,
  host: "pod",
  pid: 1,
  age_ms: 0,
  silent_ms: 0,
} as const;

const ofHolder = (scope: string) => (age_ms: number) =>
  judgeHolders([{ scope, key: "global", pid: 7, application: "r3a maint", age_ms }]);
const ofWait = (age_ms: number) =>
  judgeBlocked([
    { pid: 7, application: "psql", age_ms, is_advisory: false, is_standby: false, blockers: "9 psql, idle" },
  ]);
const ofTransaction = (is_idle: boolean) => (age_ms: number) =>
  judgeTransactions([{ pid: 7, application: "psql", is_idle, age_ms }]);
const ofSilence = (silent_ms: number) => judgeRunning([{ ...run, outcome: "running", silent_ms }]);
const ofFailure = (age_ms: number) => judgeRuns([{ ...run, age_ms }]);
const ofGap = (overdue_ms: number) =>
  judgeGaps([{ interval: "1m", gaps: 1, oldest: new Date(0), overdue_ms }]);

test.each<[string, (ms: number) => Finding, number, Finding["status"], Finding["status"]]>([
  ["a job's lock", ofHolder("maint"), 6 * H, "pass", "fail"],
  ["a series' lock", ofHolder("series"), 6 * H, "pass", "warn"],
  ["a wait", ofWait, S, "pass", "warn"],
  ["a long wait", ofWait, 10 * S, "warn", "fail"],
  ["an idle transaction", ofTransaction(true), MIN, "pass", "warn"],
  ["a transaction idle for long", ofTransaction(true), 10 * MIN, "warn", "fail"],
  ["a transaction at work", ofTransaction(false), H, "pass", "warn"],
  ["a transaction at work for long", ofTransaction(false), 6 * H, "warn", "fail"],
  ["a silent run", ofSilence, 2 * MIN, "pass", "warn"],
  ["a run that nobody closes", ofSilence, 2 * H, "warn", "fail"],
  ["a failure that gets old", ofFailure, 26 * H, "fail", "warn"],
  ["a gap that is due", ofGap, 3 * H, "warn", "fail"],
])("%s is judged anew at exactly its limit", (_, judge, limit, below, at) => {
  expect([judge(limit - 1).status, judge(limit).status]).toEqual([below, at]);
});

test("a run that failed is more than a warning where a job started it", () => {
  expect(judgeRuns([run]).status).toBe("fail");
  expect(judgeRuns([{ ...run, origin: null }]).status).toBe("warn");
  expect(judgeRuns([{ ...run, outcome: "partial" }]).status).toBe("warn");
});
