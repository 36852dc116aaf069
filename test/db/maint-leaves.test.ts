import { Client } from "pg";
import { expect, test } from "vitest";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { isSealed } from "../../runner/src/partition/sealed.ts";
import { DAY_MS } from "../../runner/src/time.ts";
import { useDatabase } from "../support/database/database.ts";
import { cutDetach } from "../support/maint/cut-detach.ts";
import { expectWholeIndexes, makeLeaves, planOf } from "../support/maint/damage.ts";
import { openLeafOf, startMaint } from "../support/maint/runs.ts";

const database = useDatabase();

const isAttached = async (table: string) =>
  (await database.query(`select from pg_inherits where inhrelid = to_regclass($1)`, [table])).length === 1;
const maint = async () => {
  const run = await startMaint(database, "--json").ended;
  return { ...run, result: run.stdout === "" ? null : JSON.parse(run.stdout) };
};

test("an empty database gets its leaves from the wall clock, with indexes and storage settings, and no more", async () => {
  const first = await maint();
  expect(first.code, first.stderr).toBe(0);
  expect(first.result.steps.map(({ op }: { op: string }) => op)).toEqual(Array(11).fill("create-leaf"));
  await expectWholeIndexes(database);
  const now = await openLeafOf(database, "r3a.ohlcv_1m");
  const options = await database.query<{ reloptions: string[] }>(
    `select reloptions from pg_class where oid = $1::regclass`,
    [now],
  );
  expect(options.map(({ reloptions }) => reloptions.toSorted())).toEqual([
    ["autovacuum_analyze_scale_factor=0.02", "autovacuum_vacuum_insert_scale_factor=0.02", "fillfactor=90"],
  ]);
  expect((await maint()).result).toMatchObject({ steps: [], backlog: 0 });
});

test("storage settings that were lost come back", async () => {
  const leaf = await openLeafOf(database, "r3a.ohlcv_15m");
  await database.query(`alter table ${leaf} reset (autovacuum_vacuum_insert_scale_factor)`);
  expect((await maint()).result).toMatchObject({
    steps: [{ op: "storage", object: leaf, outcome: "done" }],
    backlog: 0,
  });
});

test("a leaf that a crash left standalone is attached with its rows", async () => {
  const leaf = leafAt("15m", Date.now()).name;
  await database.query(
    `insert into r3a.ohlcv_partitioned (coin_id, "interval", "timestamp", open, high, low, close, volume)
     values (1, '15m', date_trunc('hour', now()), 1, 1, 1, 1, 1)`,
  );
  await database.query(`alter table r3a.ohlcv_15m detach partition r3a.${leaf}`);
  expect((await maint()).result).toMatchObject({
    steps: [{ op: "create-leaf", object: `r3a.${leaf}` }],
    backlog: 0,
  });
  expect(await database.query(`select from r3a.ohlcv_partitioned where "interval" = '15m'`)).toHaveLength(1);
  await expectWholeIndexes(database);
});

test("an interrupted DETACH is finished, and a leaf of the past that is detached is only named", async () => {
  await makeLeaves(database, 14);
  const old = leafAt("1m", Date.now() - 400 * DAY_MS).name;
  await cutDetach(database.url, "ohlcv_1m", old);
  expect(await isAttached(`r3a.${old}`)).toBe(true);
  const [first] = (await planOf(database)).actions;
  expect(first).toMatchObject({ op: "finish-detach", object: `r3a.${old}` });
  const run = await maint();
  expect(run.code, run.stderr).toBe(0);
  expect(run.result).toMatchObject({ steps: [{ op: "finish-detach", outcome: "done" }], backlog: 0 });
  expect(run.stderr).toContain(`r3a.${old} is named like a leaf and attached to nothing`);
  expect(await isAttached(`r3a.${old}`)).toBe(false);
  expect((await maint()).result.steps).toEqual([]);
});

test("a leaf of other bounds is refused and named, and the rest is done all the same", async () => {
  const leaf = leafAt("1h", Date.now());
  await database.query(`alter table r3a.ohlcv_1h detach partition r3a.${leaf.name}`);
  await database.query(`alter table r3a.${leaf.name} rename to set_aside`);
  const year = new Date().getUTCFullYear();
  await database.query(
    `create table r3a.by_hand partition of r3a.ohlcv_1h for values from ('${year}-01-01+00') to ('${year}-07-01+00')`,
  );
  const open = await openLeafOf(database, "r3a.ohlcv_15m");
  await database.query(`alter table ${open} reset (autovacuum_analyze_scale_factor)`);
  const run = await maint();
  expect(run.code).toBe(1);
  expect(run.stderr).toContain(
    `r3a.by_hand below r3a.ohlcv_1h is no leaf of R3A; its period belongs to r3a.${leaf.name}`,
  );
  expect(run.result.steps).toContainEqual(
    expect.objectContaining({ op: "storage", object: open, outcome: "done" }),
  );
  expect(await database.query(`select to_regclass($1) as leaf`, [`r3a.${leaf.name}`])).toEqual([
    { leaf: null },
  ]);
  await database.query(`drop table r3a.by_hand`);
});

test("a table of a leaf's name that is no leaf fails again and again, and stops nothing else", async () => {
  const leaf = leafAt("1h", Date.now()).name;
  await database.query(`create table r3a.${leaf} (something text)`);
  for (const attempt of [1, 2]) {
    const open = await openLeafOf(database, "r3a.ohlcv_15m");
    await database.query(`alter table ${open} reset (autovacuum_analyze_scale_factor)`);
    const run = await startMaint(database, "--json --max-ops 1").ended;
    const { steps, backlog } = JSON.parse(run.stdout);
    // of two operations the one that failed before comes last
    expect(steps).toMatchObject(
      attempt === 1 ? [{ op: "create-leaf", outcome: "failed" }] : [{ op: "storage", outcome: "done" }],
    );
    expect(backlog).toBe(attempt === 1 ? 2 : 1);
    expect(run.code).toBe(attempt === 1 ? 1 : 0);
  }
  const [row] = await database.query(
    `select attempt, outcome, sqlstate from r3a_util.maint_op where object = $1 order by id desc limit 1`,
    [`r3a.${leaf}`],
  );
  expect(row).toEqual({ attempt: 1, outcome: "failed", sqlstate: "42804" });
  await database.query(`drop table r3a.${leaf}`);
  expect((await maint()).code).toBe(0);
});

test("a leaf that the server has no room for fails alone, and the rest is done all the same", async () => {
  await database.query(`
    alter function r3a_util.make_leaf(text, timestamptz, jsonb) rename to make_leaf_with_room;
    create function r3a_util.make_leaf(_parent text, _from timestamptz, _storage jsonb) returns text language plpgsql as $$
      begin
        if _parent = 'ohlcv_1h' then raise exception 'no space left on device' using errcode = 'disk_full'; end if;
        return r3a_util.make_leaf_with_room(_parent, _from, _storage);
      end $$`);
  const [scarce, roomy] = [leafAt("1h", Date.now()).name, leafAt("4h", Date.now()).name];
  await database.query(`drop table r3a.${scarce}, r3a.${roomy}`);
  const run = await maint();
  expect(run.code, run.stderr).toBe(1);
  expect(run.result.steps).toEqual([
    expect.objectContaining({
      object: `r3a.${scarce}`,
      outcome: "failed",
      error: expect.stringContaining("the disk of the database server is full"),
    }),
    expect.objectContaining({ object: `r3a.${roomy}`, outcome: "done" }),
  ]);
  const [row] = await database.query(
    `select outcome, sqlstate from r3a_util.maint_op where object = $1 order by id desc limit 1`,
    [`r3a.${scarce}`],
  );
  expect(row).toEqual({ outcome: "failed", sqlstate: "53100" });
  await database.query(`
    drop function r3a_util.make_leaf(text, timestamptz, jsonb);
    alter function r3a_util.make_leaf_with_room(text, timestamptz, jsonb) rename to make_leaf`);
  expect((await maint()).code).toBe(0);
});

test("psql users see a leaf as sealed from the same instant on as maint does", async () => {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  const phaseOf = async (beyondMs: number) => {
    // one transaction, so that now() of the view is the now() that the end is counted from
    await client.query("begin; drop table r3a.ohlcv_slow cascade");
    await client.query(`
      create table r3a.ohlcv_slow partition of r3a.ohlcv_partitioned for values in ('4h', '1d') partition by range ("timestamp");
      do $$ begin execute format('create table r3a.ohlcv_slow_edge partition of r3a.ohlcv_slow for values from (%L) to (%L)',
        now() - interval '300 days', now() - interval '2 days' - interval '${beyondMs} ms'); end $$`);
    const { rows } = await client.query<{ now: Date; phase: string }>(
      "select now(), phase from r3a_util.candle_table where relname = 'ohlcv_slow_edge'",
    );
    await client.query("rollback");
    return rows[0];
  };
  try {
    for (const [beyondMs, phase] of [
      [0, "open"],
      [1, "sealed"],
    ] as const) {
      expect(await phaseOf(beyondMs)).toMatchObject({ phase });
      const to = Date.UTC(2024, 6);
      expect(isSealed({ from: 0, to }, to + 2 * DAY_MS + beyondMs)).toBe(phase === "sealed");
    }
  } finally {
    await client.end();
  }
});
