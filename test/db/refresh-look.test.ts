import { afterAll, beforeAll, expect, test } from "vitest";
import { INTERVALS, type Interval } from "../../runner/src/contract/intervals.ts";
import { type Database, openDatabase } from "../../runner/src/db/connect.ts";
import { ensureLeaf } from "../../runner/src/db/leaves.ts";
import { findInLeaf } from "../../runner/src/db/maint/last-ts.ts";
import { type OwnClient, own } from "../../runner/src/db/session.ts";
import { storePages } from "../../runner/src/db/store.ts";
import { refreshOn } from "../../runner/src/maint/refresh-last-ts.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { DAY_MS, MINUTE_MS } from "../../runner/src/time.ts";
import { addTestCoins, makeCandles, makePage } from "../support/candle/candle-rows.ts";
import { useDatabase } from "../support/database/database.ts";
import { cutDetach } from "../support/maint/cut-detach.ts";

/** Where all open leaves are there and nothing differs, one statement tells so; it must see whatever does differ. */

const NOW = Date.UTC(2024, 5, 2);
const OLD = NOW - 40 * DAY_MS;
const NEW = NOW - MINUTE_MS;
const database = useDatabase();
let db: Database;
let [a, b]: number[] = [];

beforeAll(async () => {
  db = openDatabase(database.url, "look");
  [a, b] = await addTestCoins(database, ["AUSDT", "BUSDT"]);
  for (const interval of INTERVALS)
    for (const ms of [NOW, NOW - DAY_MS, OLD]) await ensureLeaf(db, leafAt(interval, ms));
  for (const ms of [OLD, NEW]) await store(a, "1m", ms);
  await store(a, "1d", NOW - DAY_MS);
  await store(b, "1m", NEW);
});
afterAll(() => db.pool.end());

const store = (coin = 0, interval: Interval, ms: number) =>
  storePages(
    db,
    [makePage(coin, makeCandles(interval, ms, 1), { interval, overlapsStored: interval === "1m" })],
    { runId: null },
  );

async function preview() {
  let statements = 0;
  return own(db, new AbortController().signal, async (client) => {
    const query: OwnClient["query"] = (...args) => {
      statements += 1;
      return client.query(...args);
    };
    const refreshed = await refreshOn(
      { ...client, query },
      { now: NOW, lookbackMs: DAY_MS, isPreview: true },
    );
    return { ...refreshed, statements };
  });
}

test("where nothing differs one message is all that is sent", async () => {
  expect(await preview()).toMatchObject({ series: 3, changes: [], statements: 1 });
});

test("a value that is missing beside one that is too many is found, however right all others are", async () => {
  const move = `update r3a_util.last_ts_by_coin_interval set coin_id = $2 where coin_id = $1 and "interval" = '1d'`;
  await database.query(move, [a, b]);
  await database.query(
    `insert into r3a.ohlcv_partitioned select $2, "interval", "timestamp", open, high, low, close, volume
     from r3a.ohlcv_partitioned where coin_id = $1 and "interval" = '1d'`,
    [a, b],
  );
  expect((await preview()).changes).toMatchObject([
    { coinId: a, interval: "1d", from: null, to: NOW - DAY_MS },
  ]);
  await database.query(move, [b, a]);
  expect(await preview()).toMatchObject({ changes: [], statements: 1 });
});

test("a search_path of the role or the database changes nothing", async () => {
  const set = (path: string) =>
    database.query(
      `do $$ begin execute format('alter database %I set search_path = ${path}', current_database()); end $$`,
    );
  await set("r3a, public");
  expect(await preview()).toMatchObject({ changes: [], statements: 1 });
  await set('"$user", public');
});

const LEAF = `r3a.${leafAt("1m", NEW).name}`;
const BOUNDS = `for values from ('2024-06-01 00:00+00') to ('2024-07-01 00:00+00')`;

test.for([
  ["a leaf that a person detached", "", "", OLD],
  [
    "a leaf that a person attached elsewhere",
    `create table r3a.aside (like r3a.ohlcv_1m) partition by range ("timestamp");
     alter table r3a.aside attach partition ${LEAF} ${BOUNDS}`,
    `alter table r3a.aside detach partition ${LEAF}; drop table r3a.aside`,
    OLD,
  ],
  [
    "all leaves of a list partition that a person detached",
    `alter table r3a.ohlcv_1m attach partition ${LEAF} ${BOUNDS};
     alter table r3a.ohlcv_partitioned detach partition r3a.ohlcv_1m`,
    `alter table r3a.ohlcv_partitioned attach partition r3a.ohlcv_1m for values in ('1m');
     alter table r3a.ohlcv_1m detach partition ${LEAF}`,
    null,
  ],
] as const)("the candles of %s do not count", async ([, put, putBack, left]) => {
  await database.query(`alter table r3a.ohlcv_1m detach partition ${LEAF}; ${put}`);
  const { changes } = await preview();
  await database.query(`${putBack}; alter table r3a.ohlcv_1m attach partition ${LEAF} ${BOUNDS}`);
  expect(changes).toMatchObject([
    { coinId: a, interval: "1m", from: NEW, to: left },
    { coinId: b, interval: "1m", from: NEW, to: null },
  ]);
});

test("the candles of a leaf whose DETACH CONCURRENTLY was cut off do not count", async () => {
  await cutDetach(database.url, "ohlcv_1m", leafAt("1m", NEW).name);
  expect((await preview()).changes).toMatchObject([
    { coinId: a, from: NEW, to: OLD },
    { coinId: b, from: NEW, to: null },
  ]);
});

test("a leaf that somebody drops while a run is on its way is a matter of the next run", async () => {
  const gone = leafAt("1m", Date.UTC(1999, 0));
  const search = own(db, new AbortController().signal, (client) =>
    findInLeaf(client, { ...gone, table: `r3a.${gone.name}` }, [{ coinId: 1, interval: "1m" }]),
  );
  await expect(search).rejects.toMatchObject({
    name: "TryAgain",
    message: "a leaf went while it was read: run refresh-lastts again",
  });
});
