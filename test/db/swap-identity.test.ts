import { afterAll, beforeAll, expect, test } from "vitest";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { makeSeries } from "../support/candle/made-series.ts";
import { useDatabase } from "../support/database/database.ts";
import { rewriteLeaf } from "../support/leaf/swaps.ts";

const database = useDatabase();
const leaf = leafAt("1m", Date.UTC(2024, 4));
const table = `r3a.${leaf.name}`;
const role = `swap_reader_${process.pid}_${Date.now()}`;

beforeAll(async () => {
  await makeSeries(database.url, [
    { symbol: "BTCUSDT", interval: "1m", from: leaf.span.from, to: leaf.span.from + 3_600_000 },
  ]);
  await database.query(`create role ${role}`);
});

afterAll(async () => {
  // a role belongs to all databases of the server
  await database.query(`drop owned by ${role}`);
  await database.query(`drop role ${role}`);
});

/** What belongs to the leaf, each property with the statement that asks the server for it. */
const SHOWN = `
  with leaf as (select c.* from pg_class c where c.oid = to_regclass('${table}'))
  select 'table' as what, jsonb_build_object('owner', pg_get_userbyid(relowner), 'acl', relacl::text, 'options', reloptions, 'identity', relreplident,
         'comment', obj_description(oid, 'pg_class'))::text as is from leaf
  union all
  select 'column ' || a.attname, jsonb_build_object('acl', a.attacl::text, 'goal', a.attstattarget, 'storage', a.attstorage, 'options', a.attoptions,
         'compression', a.attcompression, 'comment', col_description(a.attrelid, a.attnum), 'default', (select pg_get_expr(adbin, adrelid) from pg_attrdef where adrelid = a.attrelid and adnum = a.attnum))::text
  from leaf join pg_attribute a on a.attrelid = leaf.oid and a.attnum > 0
  union all
  select 'index ' || i.relname, jsonb_build_object('is', pg_get_indexdef(i.oid), 'valid', x.indisvalid, 'cluster', x.indisclustered,
         'upper', (select inhparent::regclass::text from pg_inherits where inhrelid = i.oid), 'comment', obj_description(i.oid, 'pg_class'), 'options', i.reloptions)::text
  from leaf join pg_index x on x.indrelid = leaf.oid join pg_class i on i.oid = x.indexrelid
  union all
  select 'constraint ' || conname, jsonb_build_object('is', pg_get_constraintdef(k.oid), 'comment', obj_description(k.oid, 'pg_constraint'))::text
  from leaf join pg_constraint k on k.conrelid = leaf.oid
  union all
  select 'trigger ' || tgname, jsonb_build_object('is', pg_get_triggerdef(g.oid), 'on', tgenabled, 'comment', obj_description(g.oid, 'pg_trigger'))::text
  from leaf join pg_trigger g on g.tgrelid = leaf.oid where not tgisinternal
  union all
  select 'statistics ' || stxname, jsonb_build_object('is', pg_get_statisticsobjdef(s.oid), 'comment', obj_description(s.oid, 'pg_statistic_ext'))::text
  from leaf join pg_statistic_ext s on s.stxrelid = leaf.oid
  order by 1`;

test("what a person gave the leaf stays with it: rights, comments, settings, indexes, constraints, statistics, triggers", async () => {
  await database.query(`grant select on ${table} to ${role} with grant option`);
  await database.query(`grant update (close) on ${table} to ${role}`);
  await database.query(`revoke truncate on ${table} from current_user`);
  await database.query(`comment on table ${table} is 'May, as it''s read'`);
  await database.query(`comment on column ${table}.close is 'last price'`);
  await database.query(`comment on index ${table}_pkey is 'the key'`);
  await database.query(`comment on constraint ${leaf.name}_pkey on ${table} is 'the key too'`);
  await database.query(
    `alter table ${table} set (autovacuum_enabled = false, toast.autovacuum_enabled = false, parallel_workers = 2)`,
  );
  await database.query(
    `alter table ${table} alter column coin_id set statistics 500, alter column source set storage external`,
  );
  await database.query(
    `alter table ${table} alter column source set compression pglz, alter column source set (n_distinct = 3), alter column flags set default 0`,
  );
  await database.query(
    `create index "by close ON it" on ${table} (close desc nulls last) include (volume) with (fillfactor = 70) where close > 0`,
  );
  await database.query(
    `create unique index once on ${table} ("timestamp", coin_id, "interval", (close + 0))`,
  );
  await database.query(`comment on index r3a.once is 'once'`);
  await database.query(`alter table ${table} add constraint positive check (close > 0)`);
  await database.query(`create statistics r3a.pairs (ndistinct, mcv) on coin_id, trades from ${table}`);
  await database.query(`comment on statistics r3a.pairs is 'of both'`);
  await database.query(
    `create function public.note() returns trigger language plpgsql as $$ begin raise exception 'a trigger of a person must not see the copy'; end $$`,
  );
  await database.query(
    `create trigger note after insert on ${table} for each row when (new.close > 0) execute function public.note()`,
  );
  await database.query(`alter table ${table} enable always trigger note`);
  await database.query(`alter table ${table} cluster on once`);
  await database.query(`alter table ${table} replica identity using index ${leaf.name}_pkey`);
  const before = await database.query<{ what: string; is: string }>(SHOWN);
  for (let swap = 1; swap <= 2; swap += 1) {
    expect(await rewriteLeaf(database.url, leaf)).toEqual({
      outcome: "swapped",
      table: expect.any(String),
      attempts: 1,
      heldMs: expect.any(Number),
    });
    const after = await database.query<{ what: string; is: string }>(SHOWN);
    expect(after.filter(({ what }) => !what.startsWith("trigger r3a_guard"))).toEqual(before);
    expect(after).toHaveLength(before.length + 2);
  }
  const moved = await database.query(`
    select q.leaf, q.why, q.rows::int, q.bytes > 8192 as "hasBytes", (select count(*)::int from pg_index where indrelid = to_regclass('quarantine.' || table_name)) as indexes
    from r3a.quarantine q order by moved_at`);
  expect(moved).toEqual([
    { leaf: leaf.name, why: "a test", rows: 60, hasBytes: true, indexes: 4 },
    { leaf: leaf.name, why: "a test", rows: 60, hasBytes: true, indexes: 4 },
  ]);
});

const other = leafAt("1h", Date.UTC(2024, 4));
const hindered = `r3a.${other.name}`;

test.each([
  [
    "a view",
    `create view public.may as select * from ${hindered}`,
    "drop view public.may",
    "view public.may depends on",
  ],
  [
    "a function",
    `create function public.last() returns setof ${hindered} language sql begin atomic select * from ${hindered}; end`,
    "drop function public.last",
    "function public.last() depends on",
  ],
  [
    "row security",
    `alter table ${hindered} enable row level security`,
    `alter table ${hindered} disable row level security`,
    "has row security",
  ],
  [
    "a rule",
    `create rule quiet as on delete to ${hindered} do instead nothing`,
    `drop rule quiet on ${hindered}`,
    "has the rule quiet",
  ],
  [
    "a publication",
    `create publication a_few for table ${hindered}`,
    "drop publication a_few",
    "the publication a_few names",
  ],
  [
    "a publication of all",
    "create publication every for all tables",
    "drop publication every",
    "the publication every is for all tables",
  ],
  [
    "a foreign key",
    `alter table ${hindered} add constraint of_coin foreign key (coin_id) references r3a.coin`,
    `alter table ${hindered} drop constraint of_coin`,
    "the foreign key of_coin joins",
  ],
  [
    "a reference to the root",
    `create table public.mark (coin_id int, i text, t timestamptz, foreign key (coin_id, i, t) references r3a.ohlcv_partitioned)`,
    "drop table public.mark",
    "the foreign key mark_coin_id_i_t_fkey joins",
  ],
  [
    "a column of a person",
    "alter table r3a.ohlcv_partitioned add column remark text",
    "alter table r3a.ohlcv_partitioned drop column remark",
    "the column remark of",
  ],
])("%s makes the swap refuse by name, before anything is done", async (_what, make, unmake, says) => {
  await makeSeriesOnce();
  await database.query(make);
  try {
    await expect(rewriteLeaf(database.url, other)).rejects.toThrow(says);
    expect(await database.query(`select to_regclass('r3a_scratch.${other.name}') as scratch`)).toEqual([
      { scratch: null },
    ]);
  } finally {
    await database.query(unmake);
  }
});

let made: Promise<void> | undefined;
const makeSeriesOnce = () => {
  made ??= makeSeries(database.url, [
    { symbol: "ETHUSDT", interval: "1h", from: other.span.from, to: other.span.from + 36_000_000 },
  ]);
  return made;
};
