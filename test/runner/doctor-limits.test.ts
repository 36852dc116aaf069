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
const ofFailure = (age_ms: number) => judgeRuns([{ ...run, age_ms }], null);
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

const SYMBOLS = ["BTCUSDT", "ETHUSDT"];
test.each([
  ["sync", "1m", "fail"],
  ["sync", "1m --top 20", "fail"],
  ["sync", "1m --shard 1/2", "fail"],
  ["sync", "1m --symbols BTCUSDT,ETHUSDT", "fail"],
  ["sync", "1m --shard 1/2 --symbols BTCUSDT,ETHUSDT", "fail"],
  ["sync", "1m --symbols NOPE", "warn"],
  ["gaps", "--repair", "fail"],
  ["gaps", "--repair --all", "warn"],
  ["verify", "1m,15m,1h,4h,1d", "fail"],
  ["verify", "1h", "warn"],
  ["maint", "--max-ops 300", "fail"],
  ["refresh-lastts", "", "fail"],
  ["vacuum", "--analyze-only", "fail"],
  ["health", "", "fail"],
  ["health", "--only integrity", "warn"],
  ["backfill", "1m --from 2026-01-01T00:00:00Z --to 2026-01-02T00:00:00Z", "warn"],
] as const)("a failed %s %s: only what a job starts is more than a warning", (command, args, status) => {
  expect(judgeRuns([{ ...run, command, arguments: args }], SYMBOLS).status).toBe(status);
});
