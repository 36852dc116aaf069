import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Database, openDatabase } from "../../runner/src/db/connect.ts";
import { listBlocked, listHolders, listTransactions } from "../../runner/src/db/doctor/sessions.ts";
import { readSchema } from "../../runner/src/db/doctor/stored.ts";
import { useDatabase } from "../support/database/database.ts";
import { useEmptyDatabases, withSession } from "../support/database/empty-database.ts";

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
      expect(await listHolders(db, signal)).toMatchObject([
        { scope: "maint", key: "global", application: "psql" },
      ]);
    });
    await expect.poll(() => listHolders(db, signal)).toEqual([]);
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
              is_advisory: isAdvisory,
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
      await expect.poll(async () => (await listTransactions(db, signal))[0]?.age_ms).toBeGreaterThan(100);
      expect(await listTransactions(db, signal)).toMatchObject([{ application: "forgotten", is_idle: true }]);
    });
  });
});

describe("schema", () => {
  test("of this program", async () => {
    expect(await readSchema(db, signal)).toEqual({
      pending: [],
      unknown: [],
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

  test("of an old table that has all of our columns", async () => {
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
