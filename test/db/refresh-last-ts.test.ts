import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { INTERVALS, type Interval } from "../../runner/src/contract/intervals.ts";
import { type Database, openDatabase } from "../../runner/src/db/connect.ts";
import { LOCK_WAIT_MS, STATEMENT_LIMIT_MS } from "../../runner/src/db/connection/session-settings.ts";
import { ensureLeaf } from "../../runner/src/db/leaves.ts";
import { beginRefresh } from "../../runner/src/db/maint/last-ts.ts";
import { own } from "../../runner/src/db/session.ts";
import { storePages } from "../../runner/src/db/store.ts";
import { refreshLastTs } from "../../runner/src/maint/refresh-last-ts.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { addTestCoins, makeCandles, makePage } from "../support/candle/candle-rows.ts";
import { useDatabase } from "../support/database/database.ts";
import { withSession } from "../support/database/empty-database.ts";

const DAY = 86_400_000;
const NOW = Date.UTC(2024, 5, 2);
const SYMBOLS = 6;
const database = useDatabase();
const signal = new AbortController().signal;
let db: Database;
let coins: readonly number[] = [];

beforeAll(async () => {
  db = openDatabase(database.url, "refresh");
  coins = await addTestCoins(
    database,
    Array.from({ length: SYMBOLS }, (_, index) => `C${index}USDT`),
  );
  const months = Array.from({ length: 8 }, (_, month) => Date.UTC(2023, 10 + month, 1));
  const leaves = INTERVALS.flatMap((interval) => months.map((ms) => leafAt(interval, ms)));
  for (const leaf of new Map(leaves.map((each) => [each.name, each])).values()) await ensureLeaf(db, leaf);
});
beforeEach(() =>
  database.query(
    "truncate r3a.ohlcv_partitioned, r3a.series, r3a.ohlcv_gap_log, r3a_util.last_ts_by_coin_interval",
  ),
);
afterAll(() => db.pool.end());

const refresh = async (lookbackMs = 3 * DAY) => {
  const refreshed = await refreshLastTs(db, { now: NOW, lookbackMs, isPreview: false }, signal);
  if (refreshed === null) throw new Error("somebody else refreshes");
  return refreshed;
};
const coin = (index: number) => coins[index % SYMBOLS] ?? 0;
const store = (index: number, interval: Interval, ms: number, count = 1) =>
  storePages(
    db,
    [makePage(coin(index), makeCandles(interval, ms, count), { interval, overlapsStored: true })],
    { runId: null },
  );
const setLastTs = (index: number, interval: Interval, ms: number) =>
  database.query(
    `insert into r3a_util.last_ts_by_coin_interval values ($1, $2, to_timestamp($3)) on conflict (coin_id, "interval")
     do update set last_ts = excluded.last_ts`,
    [coin(index), interval, ms / 1000],
  );
const lastTs = async (index: number, interval: Interval) => {
  const sql = `select last_ts from r3a_util.last_ts_by_coin_interval where coin_id = $1 and "interval" = $2`;
  return (await database.query<{ last_ts: Date }>(sql, [coin(index), interval]))[0]?.last_ts.getTime();
};

const TRUTH = `select coin_id, "interval", max("timestamp") as last_ts from r3a.ohlcv_partitioned group by 1, 2 order by 1, 2`;
const TABLE = `select coin_id, "interval", last_ts from r3a_util.last_ts_by_coin_interval order by 1, 2`;
const expectTruth = async () => expect(await database.query(TABLE)).toEqual(await database.query(TRUTH));

/** What syncs do to a database, and what people, restores and faults do behind their backs. */
const event = fc.record({
  kind: fc.constantFrom("store", "restore", "misaligned", "delete newest", "delete all", "forget", "wrong"),
  index: fc.nat(SYMBOLS - 1),
  interval: fc.constantFrom(...INTERVALS),
  // half in the open leaves, half further back
  ago: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 4, max: 200 })),
});

type Event = typeof event extends fc.Arbitrary<infer E> ? E : never;

async function happen({ kind, index, interval, ago }: Event): Promise<void> {
  const at = NOW - ago * DAY;
  const key = [coin(index), interval];
  const candles = `from r3a.ohlcv_partitioned where coin_id = $1 and "interval" = $2`;
  if (kind === "store") await store(index, interval, at, 3);
  else if (kind === "delete newest")
    await database.query(`delete ${candles} and "timestamp" > to_timestamp($3)`, [
      ...key,
      (at - 9 * DAY) / 1000,
    ]);
  else if (kind === "delete all") await database.query(`delete ${candles}`, key);
  else if (kind === "forget")
    await database.query(
      `delete from r3a_util.last_ts_by_coin_interval where coin_id = $1 and "interval" = $2`,
      key,
    );
  else if (kind === "wrong") await setLastTs(index, interval, at);
  else
    await database.query(
      `insert into r3a.ohlcv_partitioned (coin_id, "interval", "timestamp", open, high, low, close, volume)
       values ($1, $2, to_timestamp($3), 1, 1, 1, 1, 1) on conflict do nothing`,
      [...key, at / 1000 + (kind === "misaligned" ? 0.001 : 0)],
    );
}

test("whatever happened before, the table says the newest candle of every series afterwards", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { minLength: 1, maxLength: 25 }),
      fc.constantFrom(1, 3 * DAY, 40 * DAY, 4000 * DAY),
      async (events, lookback) => {
        for (const each of events) await happen(each);
        // a restore of candles brings their series' rows too
        await database.query(
          `insert into r3a.series (coin_id, "interval") select distinct coin_id, "interval" from r3a.ohlcv_partitioned
           on conflict do nothing`,
        );
        await refresh(lookback);
        await expectTruth();
        expect(await refresh(lookback)).toMatchObject({ changes: [], busy: 0 });
      },
    ),
    { numRuns: 25 },
  );
});

test("of two open leaves with candles since then it is the newer that counts", async () => {
  for (const ms of [NOW - 2 * DAY, NOW]) await store(0, "1m", ms);
  await setLastTs(0, "1m", NOW - 2 * DAY);
  await refresh();
  expect(await lastTs(0, "1m")).toBe(NOW);
});

test("syncs that store meanwhile never lose their newer value, also where the value was too high before", async () => {
  const stop = new AbortController();
  const syncs = INTERVALS.slice(0, 3).map(async (interval, n) => {
    for (let turn = 0; !stop.signal.aborted; turn += 1) {
      // now and then somebody writes nonsense: it is the refresh that takes it back
      if (turn % 5 === n) await setLastTs(turn, interval, NOW + (4000 + (turn % 7)) * DAY);
      await store(turn, interval, NOW - 30 * DAY + turn * 60_000 * 15 * (n === 2 ? 16 : 1), 1 + (turn % 3));
    }
  });
  // one statement, one snapshot: no candle that is committed is newer than the value beside it
  const overtaken = `select * from (${TRUTH}) t left join r3a_util.last_ts_by_coin_interval l using (coin_id, "interval")
    where l.last_ts is null or l.last_ts < t.last_ts`;
  let changed = 0;
  try {
    for (const until = performance.now() + 2_500; performance.now() < until || changed < 10; ) {
      changed += (await refresh()).changes.length;
      expect(await database.query(overtaken)).toEqual([]);
    }
  } finally {
    stop.abort();
    await Promise.all(syncs);
  }
  await refresh();
  await expectTruth();
});

test("a value that a sync is at is left to it, however wrong it is", async () => {
  await store(0, "1m", NOW - 5 * DAY);
  await setLastTs(0, "1m", NOW);
  await withSession(database.url, async (sync) => {
    await sync.query("begin");
    await sync.query(
      `insert into r3a.ohlcv_partitioned (coin_id, "interval", "timestamp", open, high, low, close, volume)
       values ($1, '1m', to_timestamp($2), 1, 1, 1, 1, 1)`,
      [coin(0), (NOW - 2 * DAY) / 1000],
    );
    await sync.query("select from r3a_util.last_ts_by_coin_interval where coin_id = $1 for update", [
      coin(0),
    ]);
    expect(await refresh()).toMatchObject({ changes: [], busy: 1 });
    await sync.query("commit");
  });
  expect(await lastTs(0, "1m")).toBe(NOW);
  await refresh();
  expect(await lastTs(0, "1m")).toBe(NOW - 2 * DAY);
});

test("of a run and a sync that wait for each other's rows it is the run that gives up", async () => {
  await store(0, "1m", NOW - 2 * DAY);
  await database.query("truncate r3a_util.last_ts_by_coin_interval");
  await setLastTs(1, "1m", NOW);
  const waits = `select from pg_stat_activity where application_name = 'r3a refresh' and wait_event_type = 'Lock'`;
  await withSession(database.url, async (sync) => {
    await sync.query("begin; set local deadlock_timeout = '1min'"); // or a late sync is the one that ends
    const raise = `insert into r3a_util.last_ts_by_coin_interval as l values ($1, '1m', to_timestamp($2))
      on conflict (coin_id, "interval") do update set last_ts = excluded.last_ts`;
    await sync.query(raise, [coin(0), NOW / 1000 - 60]);
    let isDone = false;
    const refreshed = refresh().finally(() => {
      isDone = true;
    });
    while (!isDone && (await database.query(waits)).length === 0) await sleep(2);
    await sync.query(raise, [coin(1), NOW / 1000 - 60]);
    await sync.query("commit");
    expect(await refreshed).toMatchObject({ changes: [{ from: NOW, to: null }], busy: 1 });
  });
  expect(await lastTs(0, "1m")).toBe(NOW - 60_000);
  expect(await lastTs(1, "1m")).toBe(NOW - 60_000);
});

test("a leaf that comes while a run is on its way counts, although its candle changes no value", async () => {
  const next = leafAt("1m", Date.UTC(2024, 6, 15));
  await store(0, "1m", NOW - 2 * DAY);
  await setLastTs(0, "1m", next.span.to);
  const waits = `select from pg_locks where not granted and relation = 'r3a.ohlcv_15m_2024_q2'::regclass`;
  await withSession(database.url, async (ddl) => {
    await ddl.query("begin");
    await ddl.query("lock table r3a.ohlcv_15m_2024_q2 in access exclusive mode");
    const refreshed = refresh();
    while ((await database.query(waits)).length === 0) await sleep(5);
    await ensureLeaf(db, next);
    await store(0, "1m", next.span.from);
    await ddl.query("commit");
    expect(await refreshed).toMatchObject({ changes: [{ from: next.span.to, to: next.span.from }] });
  });
  expect(await lastTs(0, "1m")).toBe(next.span.from);
});

test("both timeouts are in effect in the run's own transaction, and the session's own follow it", async () => {
  const timeouts =
    "select current_setting('lock_timeout') as lock, current_setting('statement_timeout') as statement";
  await own(db, signal, async (client) => {
    expect(await beginRefresh(client, "refresh")).toBe(true);
    expect(await client.query(timeouts)).toEqual([{ lock: "3s", statement: "1min" }]);
    await client.query("rollback");
    expect(await client.query(timeouts)).toEqual([
      { lock: `${LOCK_WAIT_MS / 1000}s`, statement: String(STATEMENT_LIMIT_MS) },
    ]);
  });
});

test.each([
  ["the old layout still holds candles", "create table r3a.legacy_series ()", "isLegacyThere"],
  ["a restore is under way", "create schema r3a_restore create table state ()", "isRestoring"],
])("where %s nothing is lowered or removed", async (_, make, fact) => {
  await store(0, "1m", NOW - 2 * DAY);
  for (const index of [0, 1]) await setLastTs(index, "1m", NOW);
  await store(0, "4h", NOW - 20 * DAY);
  await setLastTs(0, "4h", NOW - 30 * DAY);
  await database.query(make);
  try {
    const facts = { isLegacyThere: false, isRestoring: false, [fact]: true };
    expect(await refresh()).toMatchObject({ changes: [{ interval: "4h", to: NOW - 20 * DAY }], ...facts });
  } finally {
    await database.query("drop table if exists r3a.legacy_series; drop schema if exists r3a_restore cascade");
  }
  expect((await refresh()).changes).toHaveLength(2);
});
