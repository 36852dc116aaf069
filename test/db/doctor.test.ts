import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Database, openDatabase } from "../../runner/src/db/connect.ts";
import { findPooler, readServer } from "../../runner/src/db/doctor/reach.ts";
import { withReader } from "../../runner/src/db/doctor/reader.ts";
import {
  listBlocked,
  listHeldLocks,
  listTransactions,
  probeLock,
} from "../../runner/src/db/doctor/sessions.ts";
import { listBudgets, readSchema } from "../../runner/src/db/doctor/stored.ts";
import { useDatabase } from "../support/database/database.ts";
import { useEmptyDatabases, withSession } from "../support/database/empty-database.ts";
import { startTransactionPooler } from "../support/database/transaction-pooler.ts";

const database = useDatabase();
const newEmptyDatabase = useEmptyDatabases();
const signal = new AbortController().signal;
let db: Database;

beforeAll(() => {
  db = openDatabase(database.url, "doctor");
});
afterAll(() => db.pool.end());

const session = <T>(work: (query: (sql: string) => Promise<unknown>) => Promise<T>) =>
  withSession(database.url, (client) => {
    client.on("error", () => {});
    return work((sql) => client.query(sql));
  });

describe("sessions", () => {
  test("a lock taken in psql is listed by scope, key and who holds it", async () => {
    await session(async (query) => {
      await query("set application_name = 'psql'");
      await query("select r3a_util.acquire_lock('maint', 'global')");
      expect(await listHeldLocks(db, signal)).toMatchObject([
        { scope: "maint", key: "global", application: "psql" },
      ]);
    });
    await expect.poll(() => listHeldLocks(db, signal)).toEqual([]);
  });

  test.each([
    ["a table", "begin; lock table r3a.coin", "select from r3a.coin", false],
    ["an advisory lock", "select pg_advisory_lock(4711)", "select pg_advisory_lock(4711)", true],
  ])("a session that waits for %s is listed with its blocker", async (_, hold, want, isAdvisory) => {
    await session(async (holder) => {
      await holder("set application_name = 'holder'");
      await holder(hold);
      await session(async (waiter) => {
        await waiter("set application_name = 'waiter'");
        const waiting = waiter(want);
        await expect
          .poll(() => listBlocked(db, signal))
          .toMatchObject([
            {
              application: "waiter",
              isAdvisory: isAdvisory,
              blockers: expect.stringMatching(/^\d+ holder, idle/),
            },
          ]);
        await holder(isAdvisory ? "select pg_advisory_unlock(4711)" : "commit");
        await waiting;
      });
    });
    await expect.poll(() => listBlocked(db, signal)).toEqual([]);
  });

  test("a transaction that is left open is listed as idle with its age", async () => {
    await session(async (query) => {
      await query("set application_name = 'forgotten'");
      await query("begin; select 1");
      await expect.poll(async () => (await listTransactions(db, signal))[0]?.ageMs).toBeGreaterThan(100);
      expect(await listTransactions(db, signal)).toMatchObject([{ application: "forgotten", isIdle: true }]);
    });
  });
});

describe("schema", () => {
  test("of this program", async () => {
    expect(await readSchema(db, signal)).toEqual({
      pending: [],
      unknown: [],
      loading: null,
      layout: "none",
      faults: [],
    });
  });

  test("behind, ahead, and with a move under way", async () => {
    await database.query("update r3a.migration set name = '000099_future' where name like '000003%'");
    await database.query("create table r3a.legacy_series ()");
    const state = await readSchema(db, signal);
    await database.query("update r3a.migration set name = '000003_leaves' where name = '000099_future'");
    await database.query("drop table r3a.legacy_series");
    expect(state).toEqual({
      pending: ["000003_leaves"],
      unknown: ["000099_future"],
      loading: null,
      layout: "moving",
      faults: [],
    });
  });

  test("of the old system, and of a database without anything", async () => {
    const url = await newEmptyDatabase();
    const empty = openDatabase(url, "doctor");
    expect((await readSchema(empty, signal)).pending.length).toBeGreaterThan(3);
    await withSession(url, (client) =>
      client.query(
        "create schema r3a; create table r3a.ohlcv_partitioned (coin_id int) partition by list (coin_id)",
      ),
    );
    expect(await readSchema(empty, signal)).toMatchObject({ layout: "old" });
    await empty.pool.end();
  });

  test("of an old table that has all columns of the new one", async () => {
    const url = await newEmptyDatabase();
    const old = openDatabase(url, "doctor");
    await withSession(url, (client) =>
      client.query(
        "create schema r3a; create table r3a.ohlcv_partitioned (coin_id int, close_time timestamptz) partition by list (coin_id)",
      ),
    );
    expect(await readSchema(old, signal)).toMatchObject({ layout: "old" });
    await withSession(url, (client) =>
      client.query(
        `drop table r3a.ohlcv_partitioned; create table r3a.ohlcv_partitioned ("interval" text) partition by list ("interval")`,
      ),
    );
    expect(await readSchema(old, signal)).toMatchObject({ layout: "old" });
    await old.pool.end();
  });
});

test("the budgets of all addresses: the weight of this minute, and what is left of each hold and ban", async () => {
  await database.query(`insert into r3a.api_budget (egress_key, minute, used, hold_until, firewall_until, banned_until) values
    ('held', date_trunc('minute', now()), 7, now() + interval '1 h', '-infinity', '-infinity'),
    ('walled', now() - interval '1 h', 8, '-infinity', now() + interval '2 h', now() - interval '1 h'),
    ('banned', '-infinity', 9, '-infinity', '-infinity', now() + interval '3 h')`);
  const rows = await listBudgets(db, signal);
  const hours = (ms: number) => Math.round(ms / 3_600_000);
  expect(
    rows.map((row) => [
      row.egressKey,
      row.used,
      hours(row.holdMs),
      hours(row.firewallMs),
      hours(row.bannedMs),
    ]),
  ).toEqual([
    ["banned", 0, 0, 0, 3],
    ["held", expect.toBeOneOf([0, 7]), 1, 0, 0],
    ["walled", 0, 0, 2, 0],
  ]);
});

test("a usable server is in UTF8, no standby and not read-only", async () => {
  expect(await readServer(db, signal)).toMatchObject({
    encoding: "UTF8",
    isStandby: false,
    isReadOnly: false,
  });
});

test("a lock is taken and given back on one session, and nobody holds it afterwards", async () => {
  expect(await probeLock(db, signal)).toEqual({ acquired: true, released: true });
  await withSession(database.url, async (client) => {
    await client.query("select r3a_util.acquire_lock('doctor', 'probe')");
    expect(await probeLock(db, signal)).toEqual({ acquired: false, released: false });
  });
});

test("a statement that hangs is cut with its connection, and the pool goes on", async () => {
  const stop = new AbortController();
  const reading = withReader(db, stop.signal, (client) => client.query("select pg_sleep(60)"));
  const isAsleep = () =>
    database.query(
      "select from pg_stat_activity where query like '%pg_sleep(60)%' and pid <> pg_backend_pid() and state = 'active' and datname = current_database()",
    );
  await expect.poll(async () => (await isAsleep()).length).toBe(1);
  stop.abort();
  // not the four seconds that a statement has: the connection is cut
  await expect(reading).rejects.toBe(stop.signal.reason);
  expect(await listHeldLocks(db, signal)).toEqual([]);
  await expect.poll(async () => (await isAsleep()).length, { timeout: 20_000 }).toBe(0);
});

test("findPooler tells a pooler in transaction mode from a direct connection", async () => {
  expect((await findPooler(db, signal)).pids).toHaveLength(1);
  const pooler = await startTransactionPooler(database.url);
  const behind = openDatabase(pooler.url, "doctor");
  try {
    expect((await findPooler(behind, signal)).pids.length).toBeGreaterThan(1);
  } finally {
    await behind.pool.end();
    await pooler.stop();
  }
});
