import type { Span } from "../candle/span.ts";
import type { Interval } from "../contract.ts";
import { type Database, withClient } from "./connect.ts";

/** The old table before it is renamed, and after: its leaves are moved from there. */
export const OLD_ROOT = "r3a.ohlcv_partitioned";
export const LEGACY_ROOT = "r3a.ohlcv_legacy";

/** A leaf of the old layout: one coin, one interval, open times in `span` (ms). Names are quoted, with their schema. */
export type LegacyLeaf = {
  readonly name: string;
  readonly parent: string;
  readonly coinId: number;
  readonly interval: Interval;
  readonly span: Span;
  /** The catalog's estimate; 0 only where there is none. */
  readonly rows: number;
  /** With indexes. */
  readonly bytes: number;
};

/** A table of the old tree as the catalog has it: `key` is how it is partitioned, `bound` what of its parent it holds. */
export type TreeNode = {
  readonly name: string;
  readonly parent: string | null;
  readonly key: string | null;
  readonly bound: string | null;
  readonly rows: number;
  readonly bytes: number;
};

export type LegacyStage = "none" | "old" | "moving";

const FIND_STAGE = `
  select case
    when to_regclass('${LEGACY_ROOT}') is not null or to_regclass('r3a.legacy_series') is not null then 'moving'
    when to_regclass('${OLD_ROOT}') is not null and not exists (
      select from pg_attribute where attrelid = to_regclass('${OLD_ROOT}') and attname = 'close_time') then 'old'
    else 'none' end as stage`;

/** From the catalog alone: 21,600 leaves have more locks than a server with default settings, so none may be opened. */
const LIST_TREE = `
  with recursive tree (oid, parent) as (
    select to_regclass($1)::oid, null::oid
    union all select i.inhrelid, i.inhparent from tree t join pg_inherits i on i.inhparent = t.oid
  )
  select format('%I.%I', n.nspname, c.relname) as name, case when p.oid is not null then format('%I.%I', pn.nspname, p.relname) end as parent,
         case when c.relkind = 'p' then pg_get_partkeydef(c.oid) end as key,
         pg_get_expr(c.relpartbound, c.oid) as bound, size.bytes,
         case when size.heap = 0 then 0 when c.reltuples > 0 then c.reltuples else ceil(size.heap / 90) end::float8 as rows
  from tree t
  join pg_class c on c.oid = t.oid
  join pg_namespace n on n.oid = c.relnamespace
  left join pg_class p on p.oid = t.parent
  left join pg_namespace pn on pn.oid = p.relnamespace
  cross join lateral (select coalesce(pg_total_relation_size(c.oid), 0)::float8 as bytes,
                             coalesce(pg_relation_size(c.oid), 0)::float8 as heap) size`;

const LIST_VIEWS = `
  select distinct v.oid::regclass::text as name
  from pg_depend d join pg_rewrite r on r.oid = d.objid join pg_class v on v.oid = r.ev_class
  where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = to_regclass($1)
  order by 1`;

const COLUMNS = `
  select attname as name from pg_attribute where attrelid = to_regclass($1) and attnum > 0 and not attisdropped
  and attname in ('id', 'coin_id', 'symbol') order by attname = 'id' desc`;

const LIST_COIN_NAMES = `select id::text, symbol from r3a.coin`;

export async function findStage(db: Database): Promise<LegacyStage> {
  const { rows } = await withClient(db, (client) => client.query<{ stage: LegacyStage }>(FIND_STAGE));
  return rows[0]?.stage ?? "none";
}

/** The old table and everything under it; empty where it is gone. */
export async function listTree(db: Database, root: string): Promise<readonly TreeNode[]> {
  const { rows } = await withClient(db, (client) => client.query<TreeNode>(LIST_TREE, [root]));
  return rows;
}

/** Views that read the old table: they follow it under its new name, and it cannot be dropped before them. */
export async function listViews(db: Database, root: string): Promise<readonly string[]> {
  const { rows } = await withClient(db, (client) => client.query<{ name: string }>(LIST_VIEWS, [root]));
  return rows.map(({ name }) => name);
}

/** A row of the old table of coins, both as text. */
export type OldCoin = { readonly id: string; readonly symbol: string };

/** Rows of a table with the columns `id` (or `coin_id`) and `symbol`; null where there is no such table. */
export async function readOldCoins(db: Database, table: string): Promise<readonly OldCoin[] | null> {
  return withClient(db, async (client) => {
    const columns = (await client.query<{ name: string }>(COLUMNS, [table])).rows.map(({ name }) => name);
    const id = columns.find((name) => name !== "symbol");
    if (id === undefined || !columns.includes("symbol")) return null;
    const { rows } = await client.query<OldCoin>(
      `select ${id}::text as id, symbol::text as symbol from ${table}`,
    );
    return rows;
  });
}

/** Symbols by id, as the new schema has them. */
export async function listCoinNames(db: Database): Promise<ReadonlyMap<number, string>> {
  const { rows } = await withClient(db, (client) => client.query<OldCoin>(LIST_COIN_NAMES));
  return new Map(rows.map(({ id, symbol }) => [Number(id), symbol]));
}

/** Open times (ms) of the leaf's oldest and newest candle that can be true; null where it has none. */
export async function findExtent(db: Database, { name }: LegacyLeaf): Promise<Span | null> {
  const { rows } = await withClient(db, (client) =>
    client.query<{ from: number | null; to: number | null }>(
      `select (extract(epoch from min("timestamp"::timestamptz)) * 1000)::float8 as "from",
              (extract(epoch from max("timestamp"::timestamptz)) * 1000)::float8 as "to"
       from ${name} where "timestamp"::timestamptz between '2009-01-01 00:00+00' and now()`,
    ),
  );
  const [row] = rows;
  return row?.from == null || row.to === null ? null : { from: row.from, to: row.to };
}
