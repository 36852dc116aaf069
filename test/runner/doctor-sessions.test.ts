import { expect, test } from "vitest";
import type { Finding } from "../../runner/src/doctor/check.ts";
import {
  judgeBlocked,
  judgeConnections,
  judgeHeldLocks,
  judgeLockSlots,
  judgeTransactions,
} from "../../runner/src/doctor/session.ts";
import { HOUR_MS, MINUTE_MS } from "../../runner/src/time.ts";

const S = 1_000;

const holder = { scope: "maint", key: "global", pid: 7, application: "r3a maint", ageMs: S };
const blocked = {
  pid: 7,
  application: "psql",
  ageMs: 0,
  isAdvisory: false,
  isStandby: false,
  blockers: "9 psql, idle in transaction",
};
const open = { pid: 7, application: "psql", isIdle: true, ageMs: 0 };
const load = { locks: 10, locksEach: 64, slots: 100, connections: 10, most: 100 };

test.each<[string, Finding, Finding["status"], RegExp, RegExp]>([
  [
    "a lock of a job",
    judgeHeldLocks([holder]),
    "pass",
    /1 held: maint:global by r3a maint \(pid 7\), connected 1 s/,
    /^$/,
  ],
  [
    "a lock by hand",
    judgeHeldLocks([{ ...holder, application: "psql" }]),
    "warn",
    /maint:global by psql \(pid 7\)/,
    /release_lock/,
  ],
  [
    "a lock for half a day",
    judgeHeldLocks([{ ...holder, ageMs: 12 * HOUR_MS }]),
    "fail",
    /connected 12\.0 h/,
    /pg_terminate_backend/,
  ],
  [
    "a wait of 2 s",
    judgeBlocked([{ ...blocked, ageMs: 2 * S }]),
    "warn",
    /psql \(pid 7\) waits 2 s for a lock of 9 psql, idle in transaction/,
    /pg_terminate_backend/,
  ],
  [
    "a wait of 20 s",
    judgeBlocked([{ ...blocked, ageMs: 20 * S, isAdvisory: true }]),
    "fail",
    /an advisory lock/,
    /pg_terminate_backend/,
  ],
  [
    "a transaction idle for 2 min",
    judgeTransactions([{ ...open, ageMs: 120 * S }]),
    "warn",
    /psql \(pid 7\) idle in transaction for 2 min/,
    /pg_terminate_backend/,
  ],
  [
    "a transaction idle for 20 min",
    judgeTransactions([{ ...open, ageMs: 1_200 * S }]),
    "fail",
    /idle in transaction for 20 min/,
    /commit or roll back/,
  ],
  [
    "a transaction at work for 20 min",
    judgeTransactions([{ ...open, isIdle: false, ageMs: 1_200 * S }]),
    "pass",
    /1 open/,
    /^$/,
  ],
  [
    "a transaction at work for 7 h",
    judgeTransactions([{ ...open, isIdle: false, ageMs: 7 * HOUR_MS }]),
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
])("%s", (_, finding, status, output, remedy) => {
  expect(finding).toEqual({
    status,
    output: expect.stringMatching(output),
    remedy: expect.stringMatching(remedy),
  });
});

const ofLock = (scope: string) => (ageMs: number) => judgeHeldLocks([{ ...holder, scope, ageMs }]);
const ofWait = (ageMs: number) => judgeBlocked([{ ...blocked, ageMs }]);
const ofTransaction = (isIdle: boolean) => (ageMs: number) => judgeTransactions([{ ...open, isIdle, ageMs }]);

test.each<[string, (ms: number) => Finding, number, Finding["status"], Finding["status"]]>([
  ["the lock of a job", ofLock("maint"), 6 * HOUR_MS, "pass", "fail"],
  ["the lock of a series", ofLock("series"), 6 * HOUR_MS, "pass", "warn"],
  ["a wait", ofWait, S, "pass", "warn"],
  ["a long wait", ofWait, 10 * S, "warn", "fail"],
  ["an idle transaction", ofTransaction(true), MINUTE_MS, "pass", "warn"],
  ["a transaction idle for long", ofTransaction(true), 10 * MINUTE_MS, "warn", "fail"],
  ["a transaction at work", ofTransaction(false), HOUR_MS, "pass", "warn"],
  ["a transaction at work for long", ofTransaction(false), 6 * HOUR_MS, "warn", "fail"],
])("the status of %s changes at exactly its limit", (_, judge, limit, below, at) => {
  expect([judge(limit - 1).status, judge(limit).status]).toEqual([below, at]);
});
