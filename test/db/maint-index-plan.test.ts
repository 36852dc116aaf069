import { beforeAll, describe, expect, test } from "vitest";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { addTestCoins } from "../support/candle/candle-rows.ts";
import { useDatabase } from "../support/database/database.ts";
import {
  damageIndexes,
  expectWholeIndexes,
  makeLeaves,
  planOf,
  stripIndexes,
} from "../support/maint/damage.ts";
import { runRunner } from "../support/runner.ts";

const database = useDatabase();

type Row = { readonly leaf: string; readonly kind: string; readonly sql: string };
const GENERATED = `select leaf::text, kind, sql from r3a_util.generate_index_sql()`;

beforeAll(async () => {
  const [coin] = await addTestCoins(database, ["AUSDT"]);
  for (const leaf of await makeLeaves(database, 7))
    await database.query(
      `insert into r3a.ohlcv_partitioned (coin_id, "interval", "timestamp", open, high, low, close, volume)
       select $1, $2, to_timestamp($3 + n * 86400), 1, 1, 1, 1, 1 from generate_series(0, 20) n`,
      [
        coin,
        { ohlcv_1m: "1m", ohlcv_15m: "15m", ohlcv_1h: "1h" }[leaf.parent] ?? "1d",
        leaf.span.from / 1000,
      ],
    );
});

const countRows = async () =>
  (await database.query<{ n: number }>(`select count(*)::int as n from r3a.ohlcv_partitioned`))[0]?.n;

test("there is nothing to do where all is as it should be", async () => {
  expect(await database.query<Row>(GENERATED)).toEqual([]);
  expect((await planOf(database)).actions).toEqual([]);
  await expectWholeIndexes(database);
});

test("the seed's own call asks for other pages of leaves alone, and every statement of it works", async () => {
  const old = `select leaf::text, kind, sql from r3a_util.generate_index_sql(128, 90)`;
  const asked = await database.query<Row>(old);
  expect(asked.length).toBeGreaterThan(5);
  for (const { sql } of asked) await database.query(sql);
  expect(await database.query<Row>(old)).toEqual([]);
  for (const { sql } of await database.query<Row>(GENERATED)) await database.query(sql);
  await expectWholeIndexes(database);
});

test("a second BRIN that a person made on the root is let be", async () => {
  await database.query(`create index on r3a.ohlcv_partitioned using brin ("timestamp")`);
  expect((await planOf(database)).actions).toEqual([]);
  await database.query("drop index r3a.ohlcv_partitioned_timestamp_idx");
  await expectWholeIndexes(database);
});

test("an INVALID index that is no index of R3A is named with the statement that drops it, and left", async () => {
  const leaf = `r3a.${leafAt("1m", Date.now()).name}`;
  await database.query(`create index by_close on ${leaf} (close)`);
  await database.query(`update pg_index set indisvalid = false where indexrelid = 'r3a.by_close'::regclass`);
  const { actions, notes } = await planOf(database);
  expect(actions).toEqual([]);
  expect(notes).toEqual([expect.stringMatching(/^r3a\.by_close is INVALID .*: drop index r3a\.by_close$/)]);
  await database.query("drop index r3a.by_close");
  expect((await planOf(database)).notes).toEqual([]);
});

describe.each([
  [1, 2],
  [2, 2],
  [3, 1],
  [4, 0],
  [5, 2],
] as const)("after random damage %i", (seed, depth) => {
  test("psql users get the command's own plan, in its order, and it converges when psql runs it", async () => {
    const rows = await countRows();
    await stripIndexes(database, depth);
    await damageIndexes(database, seed);
    const generated = await database.query<Row>(GENERATED);
    expect(generated.length).toBeGreaterThan(15);
    const { actions } = await planOf(database);
    const planned = actions.flatMap((action) => (action.kind === "index" ? [action.sql] : []));
    expect(generated.map(({ sql }) => sql)).toEqual(planned);
    expect(
      await database.query<Row>(
        `select leaf::text, kind, sql from r3a_util.generate_index_sql_limited(32, 90, 7)`,
      ),
    ).toEqual(generated.slice(0, 7));
    const kinds = new Set(generated.map(({ kind }) => kind));
    expect(
      [...kinds].filter((kind) => !["btree", "brin_ts", "leftover", "fillfactor"].includes(kind)),
    ).toEqual([]);
    // each statement from the plan as it stands then: a psql user's \\gexec, again until nothing is left
    let rounds = 0;
    for (let work = generated; work.length > 0; work = await database.query<Row>(GENERATED)) {
      for (const { sql } of work) await database.query(sql);
      rounds += 1;
      expect(rounds).toBeLessThan(5);
    }
    await expectWholeIndexes(database);
    expect(await countRows()).toBe(rows);
  });
});

test("maint with two operations a run converges in as many runs as the plan has pairs", async () => {
  await stripIndexes(database, 2);
  await damageIndexes(database, 6, 0.8);
  const { actions } = await planOf(database);
  // at most each parent's two indexes, which the last child may leave invalid, come in addition
  for (let run = 1, left = actions.length; left > 0; run += 1) {
    expect(run).toBeLessThanOrEqual(Math.ceil((actions.length + 10) / 2));
    const { code, stdout, stderr } = await runRunner(["maint", "--max-ops", "2", "--json"], {
      DB_URL: database.url,
    });
    expect(code, stderr).toBe(0);
    const { steps, backlog } = JSON.parse(stdout);
    expect(steps.length).toBe(Math.min(2, left));
    left = backlog;
  }
  await expectWholeIndexes(database);
}, 120_000);

test("pages and fill factors that differ are listed, and only these", async () => {
  const [leaf] = (await database.query<{ leaf: string }>(
    `select leaf::text from r3a_util.leaf_partitions() where parent = 'r3a.ohlcv_1m'::regclass and from_ts < now() - interval '90 days' limit 1`,
  )) as [{ leaf: string }];
  await database.query(`alter table ${leaf.leaf} set (fillfactor = 90)`);
  await database.query(
    `alter index ${leaf.leaf}_timestamp_idx set (pages_per_range = 64, autosummarize = on)`,
  );
  expect(await database.query<Row>(GENERATED)).toEqual([
    {
      leaf: leaf.leaf,
      kind: "brin_ts",
      sql: `LOCK TABLE ${leaf.leaf} IN SHARE MODE; ALTER INDEX ${leaf.leaf}_timestamp_idx SET (pages_per_range = 32); REINDEX INDEX ${leaf.leaf}_timestamp_idx`,
    },
    { leaf: leaf.leaf, kind: "fillfactor", sql: `ALTER TABLE ${leaf.leaf} SET (fillfactor = 100)` },
  ]);
  expect((await runRunner(["maint"], { DB_URL: database.url })).code).toBe(0);
  expect(await database.query<Row>(GENERATED)).toEqual([]);
  const other = await database.query<Row>(
    `select leaf::text, kind, sql from r3a_util.generate_index_sql(_pages_per_range => 32, _fillfactor => 70)`,
  );
  const open = await database.query<{ leaf: string }>(
    `select leaf::text from r3a_util.leaf_partitions()
     where parent = 'r3a.ohlcv_1m'::regclass and to_ts >= now() - interval '2 days' order by 1`,
  );
  expect(other.map(({ leaf: changed }) => changed).toSorted()).toEqual(open.map(({ leaf: each }) => each));
  expect(new Set(other.map(({ kind }) => kind))).toEqual(new Set(["fillfactor"]));
});

test("an open leaf's BRIN that does not summarise by itself is set to", async () => {
  const leaf = `r3a.${leafAt("1m", Date.now()).name}`;
  await database.query(`alter index ${leaf}_timestamp_idx set (autosummarize = off)`);
  const { code, stdout, stderr } = await runRunner(["maint", "--json"], { DB_URL: database.url });
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout).steps).toMatchObject([{ op: "set-autosummarize", outcome: "done" }]);
  const options = `select reloptions from pg_class where oid = $1::regclass`;
  expect(await database.query(options, [`${leaf}_timestamp_idx`])).toEqual([
    { reloptions: ["pages_per_range=32", "autosummarize=on"] },
  ]);
});

test("index_names says the names that a leaf's indexes have, or will get", async () => {
  const names = (leaf: string) => database.query(`select * from r3a_util.index_names($1::regclass)`, [leaf]);
  const [first] = await database.query<{ leaf: string }>(
    `select leaf::text from r3a_util.leaf_partitions() order by 1 limit 1`,
  );
  const leaf = first?.leaf ?? "";
  const plain = leaf.replace("r3a.", "");
  expect(await names(leaf)).toEqual([
    { btree_name: `${plain}_pkey`, brin_ts_name: `${plain}_timestamp_idx` },
  ]);
  await database.query(`alter index ${leaf}_timestamp_idx rename to renamed_brin`);
  expect(await names(leaf)).toEqual([{ btree_name: `${plain}_pkey`, brin_ts_name: "renamed_brin" }]);
  expect(await database.query<Row>(GENERATED)).toEqual([]);
  await database.query(`alter index r3a.renamed_brin rename to ${plain}_timestamp_idx`);
});
