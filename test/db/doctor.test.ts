import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Database, openDatabase } from "../../runner/src/db/connect.ts";
import { listDetaching, listIndexFaults, listPartitions } from "../../runner/src/db/doctor/catalog.ts";
import { listBlocked, listHolders, listTransactions } from "../../runner/src/db/doctor/sessions.ts";
import { countOpenGaps, listLastRuns, readSchema } from "../../runner/src/db/doctor/stored.ts";
import { ensureLeaf } from "../../runner/src/db/leaves.ts";
import { judgeIndexes, judgePartitions } from "../../runner/src/doctor/tables.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { addTestCoins } from "../support/candle/candle-rows.ts";
import { useDatabase } from "../support/database/database.ts";
import { useEmptyDatabases, withSession } from "../support/database/empty-database.ts";
import { cutDetach } from "../support/maint/cut-detach.ts";

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

describe("partitions and indexes", () => {
  const now = Date.now();
  const leaf = leafAt("1h", now);

  test("a new database lacks its leaves, and has no fault besides", async () => {
    expect(judgePartitions(await listPartitions(db, signal), now)).toMatchObject({ status: "warn" });
    await ensureLeaf(db, leaf);
    expect((await listPartitions(db, signal)).filter(({ is_leaf }) => is_leaf)).toEqual(
      expect.arrayContaining([{ name: leaf.name, is_leaf: true, is_default: false }]),
    );
    expect(await listIndexFaults(db, signal)).toEqual([]);
    expect(await listDetaching(db, signal)).toEqual([]);
  });

  test("a DEFAULT partition is found", async () => {
    await database.query("create table r3a.rest partition of r3a.ohlcv_1h default");
    expect(judgePartitions(await listPartitions(db, signal), now).found).toMatch(
      /^rest is a DEFAULT partition/,
    );
    await database.query("drop table r3a.rest");
  });

  test("an index that only the parent has is missing on every partition, one that broke is invalid", async () => {
    await database.query("create index extra on only r3a.ohlcv_1h (close)");
    expect(await listIndexFaults(db, signal)).toEqual([
      { kind: "missing", index: "extra", of_table: `r3a.${leaf.name}`, is_building: false },
    ]);
    await database.query("drop index r3a.extra");
    // a unique build over equal rows leaves its index behind, as any build does that dies
    await database.query(
      `insert into r3a.${leaf.name} (coin_id, "interval", "timestamp", open, high, low, close, volume)
       select n, '1h', date_trunc('hour', now()), 1, 1, 1, 1, 1 from generate_series(1, 2) n`,
    );
    const build = database.query(`create unique index concurrently broken on r3a.${leaf.name} (open)`);
    await expect(build).rejects.toThrow(/could not create unique index/);
    // the server's process answers the error before it takes its build off the list
    await expect
      .poll(() => listIndexFaults(db, signal))
      .toEqual([{ kind: "invalid", index: "broken", of_table: `r3a.${leaf.name}`, is_building: false }]);
    expect(judgeIndexes(await listIndexFaults(db, signal)).status).toBe("fail");
    const set = (flags: string) =>
      database.query(`update pg_index set ${flags} where indexrelid = 'r3a.broken'::regclass`);
    for (const flags of ["indisvalid = true, indisready = false", "indisvalid = false, indisready = true"]) {
      await set(flags);
      expect(await listIndexFaults(db, signal)).toMatchObject([{ index: "broken" }]);
    }
    await database.query("drop index r3a.broken");
  });

  test("a DETACH CONCURRENTLY that was cut off is found", async () => {
    await cutDetach(database.url, "ohlcv_1h", leaf.name);
    expect(await listDetaching(db, signal)).toEqual([`r3a.${leaf.name}`]);
    await database.query(`alter table r3a.ohlcv_1h detach partition r3a.${leaf.name} finalize`);
  });
});

test("the last run of each command and arguments, and every one that says it runs, are told with ages", async () => {
  const insert = `insert into r3a.run (run_id, command, arguments, started_at, heartbeat_at, outcome, exit_code, host, pid)
    values (gen_random_uuid(), $1, $2, now() - $3::interval, now() - $4::interval, $5, $6, 'pod', 7)`;
  await database.query(insert, ["sync", "1m", "2 hours", "2 hours", "failure", 75]);
  await database.query(insert, ["sync", "1m", "1 hour", "1 hour", "success", 0]);
  await database.query(insert, ["sync", "1h", "9 days", "9 days", "failure", 1]);
  await database.query(insert, ["maint", "", "3 hours", "170 min", "running", null]);
  const rows = await listLastRuns(db, signal);
  expect(rows.map(({ command, arguments: args, outcome }) => [command, args, outcome])).toEqual([
    ["maint", "", "running"],
    ["sync", "1m", "success"],
  ]);
  expect(rows[0]?.silent_ms).toBeGreaterThan(169 * 60_000);
  expect(rows[0]?.age_ms).toBeGreaterThan(179 * 60_000);
});

test("open gaps are counted by interval, with the oldest and the longest due; not repaired or unwanted ones", async () => {
  const [coin] = await addTestCoins(database, ["AUSDT"]);
  const insert = `insert into r3a.ohlcv_gap_log (id, coin_id, "interval", from_ts, to_ts, state, reason, next_check_at)
    values (gen_random_uuid(), $1, $2, $3::timestamptz, $3::timestamptz + interval '1 hour', $4, 'absent', now() - $5::interval)`;
  await database.query(insert, [coin, "1m", "2026-01-02T00:00Z", "open", "4 hours"]);
  await database.query(insert, [coin, "1m", "2026-01-01T00:00Z", "open", "-1 hour"]);
  await database.query(insert, [coin, "1h", "2025-01-01T00:00Z", "repaired", "9 hours"]);
  await database.query(insert, [coin, "4h", "2025-01-01T00:00Z", "open", "9 hours"]);
  await database.query("update r3a.ohlcv_gap_log set reason = 'not_requested' where \"interval\" = '4h'");
  const rows = await countOpenGaps(db, signal);
  expect(rows).toMatchObject([{ interval: "1m", gaps: 2, oldest: new Date("2026-01-01T00:00Z") }]);
  expect(Math.round((rows[0]?.overdue_ms ?? 0) / 3_600_000)).toBe(4);
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
