import type { Span } from "../../candle/span.ts";
import type { Interval } from "../../contract/intervals.ts";
import { type Database, queryRows } from "../connect.ts";
import { onlyRow } from "../only-row.ts";
import { msOf } from "../sql-time.ts";

/** A leaf of the old layout: one coin, one interval, open times in `span` (ms). Names are quoted and have their schema. */
export type LegacyLeaf = {
  readonly name: string;
  readonly parent: string;
  readonly coinId: number;
  readonly interval: Interval;
  readonly span: Span;
  /** The catalog's estimate; 0 only if the leaf is empty. */
  readonly rows: number;
  /** With indexes. */
  readonly bytes: number;
  /** An index of its own keeps two rows from sharing a timestamp. */
  readonly isUnique: boolean;
};

/** A table of the old tree as the catalog has it: `key` says how it is partitioned, `bound` which rows of its parent it holds. */
export type TreeNode = {
  readonly name: string;
  readonly parent: string | null;
  readonly key: string | null;
  readonly bound: string | null;
  readonly rows: number;
  readonly bytes: number;
  readonly isUnique: boolean;
};

/** Reads the catalog and opens no leaf: 21,600 leaves need more locks than a server with default settings has. */
const LIST_TREE = `
  with recursive tree (oid, parent) as (
    select to_regclass($1)::oid, null::oid
    union all select i.inhrelid, i.inhparent from tree t join pg_inherits i on i.inhparent = t.oid
  )
  select format('%I.%I', n.nspname, c.relname) as name, case when p.oid is not null then format('%I.%I', pn.nspname, p.relname) end as parent,
         case when c.relkind = 'p' then pg_get_partkeydef(c.oid) end as key,
         pg_get_expr(c.relpartbound, c.oid) as bound, size.bytes,
         exists (select from pg_index x where x.indrelid = c.oid and x.indisunique and x.indisvalid and x.indpred is null and not exists (
           select from unnest(x.indkey[:x.indnkeyatts - 1]) as k left join pg_attribute a on a.attrelid = c.oid and a.attnum = k
           where coalesce(a.attname, '') not in ('coin_id', 'interval', 'timestamp'))) as "isUnique",
         case when size.heap = 0 then 0 when c.reltuples > 0 then c.reltuples else ceil(size.heap / 90) end::float8 as rows
  from tree t
  join pg_class c on c.oid = t.oid
  join pg_namespace n on n.oid = c.relnamespace
  left join pg_class p on p.oid = t.parent
  left join pg_namespace pn on pn.oid = p.relnamespace
  cross join lateral (select coalesce(pg_total_relation_size(c.oid), 0)::float8 as bytes,
                             coalesce(pg_relation_size(c.oid), 0)::float8 as heap) size`;

const LIST_KEPT = `
  select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('r3a', 'r3a_util') and c.relname ~ '_legacy$' and c.relkind in ('r', 'p', 'v', 'm', 'f') order by 1`;

/** The old table and everything below it; empty if the table is gone. */
export async function listTree(db: Database, root: string): Promise<readonly TreeNode[]> {
  return queryRows(db, LIST_TREE, [root]);
}

/** Renamed tables of the old system that still exist, by name. */
export async function listKept(db: Database): Promise<readonly string[]> {
  const rows = await queryRows<{ name: string }>(db, LIST_KEPT);
  return rows.map(({ name }) => name);
}

/** Times that can be true: rows with other times are not stored as candles. */
const IS_TRUE_TIME = `"timestamp"::timestamptz between '2009-01-01 00:00+00' and now()`;

const readExtent = (leaf: string) => `
  select ${msOf('min("timestamp"::timestamptz)')} as "from", ${msOf('max("timestamp"::timestamptz)')} as "to"
  from ${leaf} where ${IS_TRUE_TIME}`;
const readMonths = (leaf: string) => `
  select distinct ${msOf(`date_trunc('month', "timestamp"::timestamptz, 'UTC')`)} as month
  from ${leaf} where ${IS_TRUE_TIME} order by 1`;

/** Open times (ms) of the leaf's oldest and newest candle with a time that can be true; null if there is none. */
export async function findExtent(db: Database, { name }: LegacyLeaf): Promise<Span | null> {
  const { from, to } = onlyRow(await queryRows<Record<"from" | "to", number | null>>(db, readExtent(name)));
  return from === null || to === null ? null : { from, to };
}

/** Begins (ms) of the months in which the leaf has rows, in order. */
export async function listMonths(db: Database, { name }: LegacyLeaf): Promise<readonly number[]> {
  const rows = await queryRows<{ month: number }>(db, readMonths(name));
  return rows.map(({ month }) => month);
}
