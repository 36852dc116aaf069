import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, expect, test } from "vitest";
import { type Database, openDatabase } from "../../runner/src/db/connect.ts";
import { ensureLeaf, listLeafNames } from "../../runner/src/db/leaves.ts";
import { storePages } from "../../runner/src/db/store.ts";
import { leafAt, listLeavesOf } from "../../runner/src/partition/layout.ts";
import { addTestCoins, makeCandles, makePage } from "../support/candle/candle-rows.ts";
import { useDatabase } from "../support/database/database.ts";
import { withSession } from "../support/database/empty-database.ts";

const database = useDatabase();
let coin = 0;

beforeAll(async () => {
  [coin = 0] = await addTestCoins(database, ["AUSDT"]);
});

async function withDatabase<T>(work: (db: Database) => Promise<T>): Promise<T> {
  const db = openDatabase(database.url, "leaves");
  try {
    return await work(db);
  } finally {
    await db.pool.end();
  }
}

/** Indexes of a leaf, each with the parent's index that it is a part of. */
const indexesOf = (leaf: string) =>
  database.query<{ kind: string; parent: string; valid: boolean }>(
    `select am.amname as kind, i.inhparent::regclass::text as parent, x.indisvalid as valid
     from pg_index x join pg_class c on c.oid = x.indexrelid join pg_am am on am.oid = c.relam
     left join pg_inherits i on i.inhrelid = x.indexrelid
     where x.indrelid = $1::regclass order by 1`,
    [`r3a.${leaf}`],
  );

test("eight connections that want the same leaves at once make each of them once, with all indexes", async () => {
  const leaves = listLeavesOf("1m", { from: Date.UTC(2023, 0), to: Date.UTC(2023, 4) });
  await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      withDatabase(async (db) => {
        const order = index % 2 === 0 ? leaves : leaves.toReversed();
        for (const leaf of order) await ensureLeaf(db, leaf);
      }),
    ),
  );
  const names = await withDatabase(listLeafNames);
  expect(names).toEqual(new Set(leaves.map(({ name }) => name)));
  for (const { name } of leaves) {
    expect(await indexesOf(name)).toEqual([
      { kind: "brin", parent: "r3a.ohlcv_1m_timestamp_idx", valid: true },
      { kind: "btree", parent: "r3a.ohlcv_1m_pkey", valid: true },
    ]);
  }
});

test("leaf_partitions lists every leaf with its parent and its bounds in UTC", async () => {
  const wanted = [
    leafAt("1m", Date.UTC(2023, 0, 15)),
    leafAt("15m", Date.UTC(2021, 7, 1)),
    leafAt("1h", Date.UTC(2020, 5, 1)),
    leafAt("4h", Date.UTC(2019, 11, 31, 23)),
  ];
  await withDatabase(async (db) => {
    for (const leaf of wanted) await ensureLeaf(db, leaf);
  });
  const listed = await withSession(database.url, async (psql) => {
    await psql.query(`set timezone = 'Asia/Tokyo'; set datestyle = 'German'`);
    const { rows } = await psql.query<{ leaf: string; parent: string; from: string; to: string }>(
      `select leaf::text, parent::text, extract(epoch from from_ts)::int8::text as "from",
              extract(epoch from to_ts)::int8::text as "to" from r3a_util.leaf_partitions()`,
    );
    return new Map(rows.map(({ leaf, ...rest }) => [leaf, rest]));
  });
  expect(listed.size).toBe((await withDatabase(listLeafNames)).size);
  for (const { name, parent, span } of wanted) {
    expect(listed.get(`r3a.${name}`)).toEqual({
      parent: `r3a.${parent}`,
      from: String(span.from / 1000),
      to: String(span.to / 1000),
    });
  }
});

test("a leaf is made while a reader holds the parent and sees its rows undisturbed", async () => {
  const leaf = leafAt("1m", Date.UTC(2023, 6, 1));
  await withSession(database.url, async (reader) => {
    await reader.query("begin isolation level repeatable read");
    await reader.query("select count(*) from r3a.ohlcv_partitioned");
    await withDatabase((db) => ensureLeaf(db, leaf));
    const { rows } = await reader.query("select count(*)::int as n from r3a.ohlcv_partitioned");
    expect(rows).toEqual([{ n: 0 }]);
    await reader.query("commit");
  });
  expect((await withDatabase(listLeafNames)).has(leaf.name)).toBe(true);
});

test("a leaf waits for a DDL statement that holds the parent, and comes when it is done", async () => {
  const leaf = leafAt("1m", Date.UTC(2023, 7, 1));
  await withDatabase(async (db) => {
    await withSession(database.url, async (ddl) => {
      await ddl.query("begin");
      await ddl.query("lock table r3a.ohlcv_1m in share update exclusive mode");
      const made = ensureLeaf(db, leaf);
      const waits = `select from pg_locks where relation = 'r3a.ohlcv_1m'::regclass and not granted`;
      while ((await database.query(waits)).length === 0) await sleep(20);
      // longer than one lock_timeout, so that at least one try is given up
      await ddl.query("select pg_sleep(2.2)");
      await ddl.query("commit");
      await made;
    });
  });
  expect((await withDatabase(listLeafNames)).has(leaf.name)).toBe(true);
});

test("a leaf is given up when the time that it was given is over, with the code of what it waited for", async () => {
  const leaf = leafAt("1m", Date.UTC(2024, 7, 1));
  await withDatabase((db) =>
    withSession(database.url, async (ddl) => {
      await ddl.query("begin; lock table only r3a.ohlcv_1m in share update exclusive mode");
      const startedAt = performance.now();
      const made = ensureLeaf(db, leaf, { until: startedAt + 500 });
      await expect(made).rejects.toMatchObject({ code: "55P03", cause: { code: "55P03" } });
      expect(performance.now() - startedAt).toBeLessThan(8_000);
    }),
  );
});

test("a leaf table that a crash left standalone is attached with the rows that it holds", async () => {
  const from = Date.UTC(2023, 8, 1);
  const leaf = leafAt("1m", from);
  await database.query(`create table r3a.${leaf.name} (like r3a.ohlcv_1m including all)`);
  await database.query(
    `insert into r3a.${leaf.name} (coin_id, "interval", "timestamp", open, high, low, close, volume)
     values ($1, '1m', to_timestamp($2), 1, 1, 1, 1, 1)`,
    [coin, from / 1000],
  );
  await withDatabase(async (db) => {
    await ensureLeaf(db, leaf);
    await storePages(db, [makePage(coin, makeCandles("1m", from + 60_000, 3))], { runId: null });
  });
  expect(await database.query(`select count(*)::int as n from r3a.${leaf.name}`)).toEqual([{ n: 4 }]);
  expect((await indexesOf(leaf.name)).map(({ valid }) => valid)).toEqual([true, true]);
});

test("rows reach the leaf of their time at both edges of its bounds", async () => {
  const edge = Date.UTC(2023, 2, 1);
  await withDatabase((db) =>
    storePages(db, [makePage(coin, makeCandles("1m", edge - 60_000, 2))], { runId: null }),
  );
  expect(
    await database.query(
      `select tableoid::regclass::text as leaf from r3a.ohlcv_partitioned where "interval" = '1m'
       and "timestamp" between to_timestamp($1) and to_timestamp($2) order by "timestamp"`,
      [edge / 1000 - 60, edge / 1000],
    ),
  ).toEqual([{ leaf: "r3a.ohlcv_1m_2023_02" }, { leaf: "r3a.ohlcv_1m_2023_03" }]);
});
