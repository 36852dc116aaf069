import { expect, test } from "vitest";
import type { Finding } from "../../runner/src/doctor/check.ts";
import { judgeGaps, judgeRunning, judgeRuns } from "../../runner/src/doctor/ledger.ts";
import {
  judgeBlocked,
  judgeConnections,
  judgeHolders,
  judgeLockSlots,
  judgeTransactions,
} from "../../runner/src/doctor/session.ts";
import { HOUR_MS } from "../../runner/src/time.ts";

const S = 1_000;
const NOW = Date.UTC(2026, 5, 15);

const holder = { scope: "maint", key: "global", pid: 7, application: "r3a maint", age_ms: S };
const blocked = {
  pid: 7,
  application: "psql",
  age_ms: 0,
  is_advisory: false,
  is_standby: false,
  blockers: "9 psql, idle in transaction",
};
const open = { pid: 7, application: "psql", is_idle: true, age_ms: 0 };
const load = { locks: 10, locks_each: 64, slots: 100, connections: 10, most: 100 };
const run = {
  command: "sync",
  arguments: "1m",
  origin: "sync-1m",
  outcome: "success",
  exit_code: 0,
  error_summary: null,
  deadline_s: 35,
  host: "pod",
  pid: 1,
  age_ms: 10 * S,
  silent_ms: S,
} as const;
const gap = { interval: "1m", gaps: 2, oldest: new Date(NOW), overdue_ms: 0 } as const;

test.each<[string, Finding, Finding["status"], RegExp, RegExp]>([
  [
    "a lock of a job",
    judgeHolders([holder]),
    "pass",
    /1 held: maint:global by r3a maint \(pid 7\), connected 1 s/,
    /^$/,
  ],
  [
    "a lock by hand",
    judgeHolders([{ ...holder, application: "psql" }]),
    "warn",
    /maint:global by psql \(pid 7\)/,
    /release_lock/,
  ],
  [
    "a lock for half a day",
    judgeHolders([{ ...holder, age_ms: 12 * HOUR_MS }]),
    "fail",
    /connected 12\.0 h/,
    /pg_terminate_backend/,
  ],
  [
    "a wait of 2 s",
    judgeBlocked([{ ...blocked, age_ms: 2 * S }]),
    "warn",
    /psql \(pid 7\) waits 2 s for a lock of 9 psql, idle in transaction/,
    /pg_terminate_backend/,
  ],
  [
    "a wait of 20 s",
    judgeBlocked([{ ...blocked, age_ms: 20 * S, is_advisory: true }]),
    "fail",
    /an advisory lock/,
    /pg_terminate_backend/,
  ],
  [
    "a transaction idle for 2 min",
    judgeTransactions([{ ...open, age_ms: 120 * S }]),
    "warn",
    /psql \(pid 7\) idle in transaction for 2 min/,
    /pg_terminate_backend/,
  ],
  [
    "a transaction idle for 20 min",
    judgeTransactions([{ ...open, age_ms: 1_200 * S }]),
    "fail",
    /idle in transaction for 20 min/,
    /commit or roll back/,
  ],
  [
    "a transaction at work for 20 min",
    judgeTransactions([{ ...open, is_idle: false, age_ms: 1_200 * S }]),
    "pass",
    /1 open/,
    /^$/,
  ],
  [
    "a transaction at work for 7 h",
    judgeTransactions([{ ...open, is_idle: false, age_ms: 7 * HOUR_MS }]),
    "fail",
    /at work for 7\.0 h/,
    /pg_terminate/,
  ],
  [
    "a lock table of 60 %",
    judgeLockSlots({ ...load, locks: 60 }),
    "warn",
    /60 of about 100 slots.*60 %/,
    /max_locks_per_transaction \(64\)/,
  ],
  ["a lock table of 90 %", judgeLockSlots({ ...load, locks: 90 }), "fail", /90 %/, /pg_locks/],
  [
    "connections of 75 %",
    judgeConnections({ ...load, connections: 75 }),
    "warn",
    /75 of 100 connections/,
    /max_connections/,
  ],
  [
    "connections of 95 %",
    judgeConnections({ ...load, connections: 95 }),
    "fail",
    /95 of 100/,
    /pg_stat_activity/,
  ],
  ["no run yet", judgeRuns([]), "warn", /no run/, /runner sync 1m/],
  [
    "a sync that failed",
    judgeRuns([{ ...run, outcome: "failure", exit_code: 75, error_summary: "away" }]),
    "fail",
    /sync 1m ended failure \(exit 75\) 10 s ago: away/,
    /by hand/,
  ],
  [
    "a sync by hand that failed two days ago",
    judgeRuns([{ ...run, outcome: "failure", age_ms: 48 * HOUR_MS }]),
    "warn",
    /ended failure/,
    /by hand/,
  ],
  [
    "a sync that was partly done",
    judgeRuns([run, { ...run, outcome: "partial", exit_code: 1 }]),
    "warn",
    /1 of 2 last runs/,
    /by hand/,
  ],
  [
    "a backfill that failed",
    judgeRuns([run, { ...run, command: "backfill", origin: null, outcome: "timeout", exit_code: 124 }]),
    "warn",
    /backfill 1m ended timeout/,
    /by hand/,
  ],
  ["runs that went well", judgeRuns([run]), "pass", /sync 1m 10 s ago/, /^$/],
  [
    "a run that is silent for 5 min",
    judgeRunning([{ ...run, outcome: "running", silent_ms: 300 * S }]),
    "warn",
    /sync 1m on pod pid 1, silent for 5 min/,
    /runner maint/,
  ],
  [
    "a run that nobody closed for 3 h",
    judgeRunning([{ ...run, outcome: "running", silent_ms: 3 * HOUR_MS }]),
    "fail",
    /silent for 3\.0 h/,
    /runner maint/,
  ],
  [
    "a run past its deadline",
    judgeRunning([{ ...run, outcome: "running", age_ms: 100 * S }]),
    "warn",
    /past their own deadline: sync 1m/,
    /blocked/,
  ],
  ["a run under way", judgeRunning([{ ...run, outcome: "running" }]), "pass", /1 under way: sync 1m/, /^$/],
  ["a gap", judgeGaps([gap]), "warn", /1m 2 \(oldest from 2026-06-15T00:00:00Z\)/, /runner gaps/],
  [
    "a gap that is due for 4 h",
    judgeGaps([gap, { ...gap, interval: "1h", overdue_ms: 4 * HOUR_MS }]),
    "fail",
    /due for 4\.0 h/,
    /runner gaps --repair/,
  ],
])("%s", (_, finding, status, found, remedy) => {
  expect(finding).toEqual({
    status,
    found: expect.stringMatching(found),
    remedy: expect.stringMatching(remedy),
  });
});
