import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Database, openDatabase } from "../../runner/src/db/connect.ts";
import { type PageWrite, storePages } from "../../runner/src/db/store.ts";
import { MINUTE_MS } from "../../runner/src/time.ts";
import { addTestCoins, makeCandles, makePage } from "../support/candle/candle-rows.ts";
import { useDatabase } from "../support/database/database.ts";
import { withSession } from "../support/database/empty-database.ts";
import { endSealing, sealLeaf, takeFor } from "../support/leaf/seal-leaf.ts";

/** Our own writers reopen what they write to, and whoever takes a leaf meets no writer under way. */

const [JANUARY, FEBRUARY] = ["ohlcv_1m_2024_01", "ohlcv_1m_2024_02"];
const START = Date.UTC(2024, 0, 20);
const EDGE = Date.UTC(2024, 1);
const database = useDatabase();
let db: Database;
let coins: readonly number[] = [];
const coin = (index: number) => coins[index] ?? 0;

beforeAll(async () => {
  db = openDatabase(database.url, "guard writers");
  coins = await addTestCoins(
    database,
    Array.from({ length: 8 }, (_, index) => `C${index}USDT`),
  );
});
beforeEach(async () => {
  await database.query(`
    drop table if exists r3a.${JANUARY}, r3a.${FEBRUARY};
    truncate r3a.leaf_state, r3a.leaf_reopening, r3a.candle_revision, r3a.series;
    select r3a_util.make_leaf('ohlcv_1m', at, '{}') from unnest('{2024-01-01 00:00+00,2024-02-01 00:00+00}'::timestamptz[]) at`);
});
afterAll(() => db.pool.end());

const page = (coinId: number, from: number, count: number, more: Partial<PageWrite> = {}) =>
  makePage(coinId, makeCandles("1m", from, count), more);
const store = (pages: readonly PageWrite[], guards = new Set<string>()) =>
  storePages(db, pages, { runId: null, guards });
const states = () => database.query("select leaf, state from r3a.leaf_state order by leaf");
const spans = () =>
  database.query<{ leaf: string; coin_id: number; from_ts: Date; to_ts: Date }>(
    "select leaf, coin_id, from_ts, to_ts from r3a.leaf_reopening order by leaf, coin_id",
  );
const span = (leaf: string, index: number, [from, to]: readonly [number, number]) => ({
  ...{ leaf, coin_id: coin(index) },
  ...{ from_ts: new Date(from), to_ts: new Date(to) },
});

test("COPY and upsert reopen the leaf for their own symbol, once, and the span only widens", async () => {
  await store([page(coin(0), START, 100)]);
  await sealLeaf(database.url, JANUARY);
  const guards = new Set<string>();
  const behind = START + 100 * MINUTE_MS;
  expect(await store([page(coin(0), behind, 50)], guards)).toEqual([{ added: 50, revised: 0 }]);
  expect([...guards]).toEqual([JANUARY]);
  expect(await states()).toEqual([{ leaf: JANUARY, state: "open" }]);
  expect(await spans()).toEqual([span(JANUARY, 0, [behind, behind + 50 * MINUTE_MS])]);
  const seen = page(coin(0), START + 10 * MINUTE_MS, 5, { overlapsStored: true });
  expect(await store([seen, page(coin(1), START, 3)], guards)).toEqual([
    { added: 0, revised: 5 },
    { added: 3, revised: 0 },
  ]);
  expect(await spans()).toEqual([
    span(JANUARY, 0, [START + 10 * MINUTE_MS, behind + 50 * MINUTE_MS]),
    span(JANUARY, 1, [START, START + 3 * MINUTE_MS]),
  ]);
  // what lies within is not written once more
  const versions = () => database.query("select xmin::text from r3a.leaf_reopening order by 1");
  const before = await versions();
  await store([seen], guards);
  expect(await versions()).toEqual(before);
});

test("a page over the edge of two sealed leaves reopens both, each for its part", async () => {
  await sealLeaf(database.url, JANUARY);
  await sealLeaf(database.url, FEBRUARY);
  await store([page(coin(0), EDGE - 5 * MINUTE_MS, 12)]);
  expect((await states()).map(({ state }) => state)).toEqual(["open", "open"]);
  expect(await spans()).toEqual([
    span(JANUARY, 0, [EDGE - 5 * MINUTE_MS, EDGE]),
    span(FEBRUARY, 0, [EDGE, EDGE + 7 * MINUTE_MS]),
  ]);
});

test("a page that only one of its two leaves refuses is stored too", async () => {
  await sealLeaf(database.url, FEBRUARY);
  await store([page(coin(0), EDGE - 5 * MINUTE_MS, 12)]);
  expect(await states()).toEqual([{ leaf: FEBRUARY, state: "open" }]);
});

test("writers of other symbols in the same sealed leaves do not stand in each other's way", async () => {
  const other = openDatabase(database.url, "guard writers at once");
  for (let round = 0; round < 5; round += 1) {
    await sealLeaf(database.url, JANUARY);
    await sealLeaf(database.url, FEBRUARY);
    const pages = coins.map((id) =>
      page(id, EDGE + (round - 50) * 2 * MINUTE_MS, 120, { overlapsStored: true }),
    );
    await Promise.all(pages.map((each) => storePages(other, [each], { runId: null })));
    expect(await spans()).toHaveLength(2 * coins.length);
  }
  await other.pool.end();
  // a deadlock would be tried again and not be seen
  const deadlocks = `select deadlocks::int from pg_stat_database where datname = current_database()`;
  expect(await database.query(deadlocks)).toEqual([{ deadlocks: 0 }]);
});

test("a write between the guard and the end of a seal ends the seal", async () => {
  const { token } = await takeFor(database.url, JANUARY, "sealing");
  await store([page(coin(0), START, 10)]);
  expect(await states()).toEqual([{ leaf: JANUARY, state: "open" }]);
  expect(await endSealing(database.url, JANUARY, token)).toBe(false);
  expect(await states()).toEqual([{ leaf: JANUARY, state: "open" }]);
});

test("while a leaf is restored writers go on, and what they wrote is known", async () => {
  await takeFor(database.url, JANUARY, "restoring");
  await store([page(coin(0), START, 10)]);
  expect(await states()).toEqual([{ leaf: JANUARY, state: "restoring" }]);
  expect(await spans()).toEqual([span(JANUARY, 0, [START, START + 10 * MINUTE_MS])]);
});

test("a guard without a state, as in a copied schema, keeps no writer of ours out", async () => {
  await takeFor(database.url, JANUARY, "sealing");
  await database.query("delete from r3a.leaf_state");
  await store([page(coin(0), START, 10)]);
  expect(await states()).toEqual([{ leaf: JANUARY, state: "open" }]);
});

test.each([
  ["that never met a guard", "select", ""],
  [
    "that reopened the leaf",
    "",
    `select r3a_util.reopen_leaf('${JANUARY}', '{1}', '{1m}', '{2024-01-20}', '{2024-01-21}')`,
  ],
])("nobody takes the leaf from a writer under way %s", async (_, first, reopen) => {
  if (first === "") await sealLeaf(database.url, JANUARY);
  await withSession(database.url, async (client) => {
    const candle = `insert into r3a.ohlcv_partitioned (coin_id, "interval", "timestamp", open, high, low, close, volume) values (${coin(0)}, '1m', '2024-01-20', 1, 1, 1, 1, 1)`;
    await client.query(`begin; ${reopen}`);
    await client.query(candle);
    await expect(takeFor(database.url, JANUARY, "sealing")).rejects.toMatchObject({ code: "55P03" });
    await client.query("commit");
  });
  const { token } = await takeFor(database.url, JANUARY, "sealing");
  expect(await spans()).toEqual([]);
  expect(await endSealing(database.url, JANUARY, token)).toBe(true);
});

test("a leaf whose table is gone is taken all the same, and a new table of its name is open", async () => {
  await database.query(`drop table r3a.${JANUARY}`);
  expect(await takeFor(database.url, JANUARY, "restoring")).toMatchObject({ oid: null });
  expect(await states()).toEqual([{ leaf: JANUARY, state: "restoring" }]);
});
