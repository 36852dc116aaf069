import type { AttachedLeaf } from "../../maint/maint-plan.ts";
import type { Database } from "../connect.ts";
import { LEAVES, type LeafRow, toAttached } from "../maint/catalog.ts";
import { withReader } from "./reader.ts";

const PARTITIONS = `
  select t.relid::regclass::text as name, t.isleaf as is_leaf,
         coalesce(pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT', false) as is_default
  from pg_partition_tree('r3a.ohlcv_partitioned') t join pg_class c on c.oid = t.relid`;

export type PartitionRow = { name: string; is_leaf: boolean; is_default: boolean };

/** The partitions of the candle table on all levels, names without the schema. */
export async function listPartitions(db: Database, signal: AbortSignal): Promise<readonly PartitionRow[]> {
  return withReader(db, signal, async (client) => {
    const { rows } = await client.query<PartitionRow>(PARTITIONS);
    return rows.map((row) => ({ ...row, name: row.name.replace(/^r3a\./, "") }));
  });
}

/** The tables below the list partitions, as maint judges them. */
export async function listAttachedLeaves(
  db: Database,
  signal: AbortSignal,
): Promise<readonly AttachedLeaf[]> {
  return withReader(db, signal, async (client) =>
    (await client.query<LeafRow>(LEAVES, [null])).rows.map(toAttached),
  );
}

/** An index that is being built is not valid yet, and nobody's fault. Parents of unattached ones are not valid either. */
const INDEXES = `
  with tree as (select relid, parentrelid, isleaf from pg_partition_tree('r3a.ohlcv_partitioned')),
  broken as (
    select 'invalid' as kind, c.relname as index, x.indrelid::regclass::text as of_table,
           exists (select 1 from pg_stat_progress_create_index p where p.index_relid = x.indexrelid) as is_building
    from pg_index x join pg_class c on c.oid = x.indexrelid join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('r3a', 'r3a_util') and c.relkind = 'i' and not (x.indisvalid and x.indisready)
  ),
  missing as (
    select 'missing' as kind, p.relname as index, t.relid::regclass::text as of_table,
           exists (select 1 from pg_stat_progress_create_index g where g.relid = t.relid) as is_building
    from tree t
    join pg_index x on x.indrelid = t.parentrelid
    join pg_class p on p.oid = x.indexrelid
    where not exists (select 1 from pg_inherits i join pg_index own on own.indexrelid = i.inhrelid
                      where i.inhparent = x.indexrelid and own.indrelid = t.relid)
  )
  select * from broken union all select * from missing order by 1, 3, 2`;

/** An index that is not valid, or that a partition lacks (or has without being attached) of those of its parent. */
export type IndexFaultRow = {
  kind: "invalid" | "missing";
  index: string;
  of_table: string;
  is_building: boolean;
};

export async function listIndexFaults(db: Database, signal: AbortSignal): Promise<readonly IndexFaultRow[]> {
  return withReader(db, signal, async (client) => (await client.query<IndexFaultRow>(INDEXES)).rows);
}

const DETACHING = `select inhrelid::regclass::text as name from pg_inherits where inhdetachpending order by 1`;

/** Partitions whose DETACH CONCURRENTLY was cut off in the middle. */
export async function listDetaching(db: Database, signal: AbortSignal): Promise<readonly string[]> {
  return withReader(db, signal, async (client) => {
    const { rows } = await client.query<{ name: string }>(DETACHING);
    return rows.map(({ name }) => name);
  });
}

export async function readSize(db: Database, signal: AbortSignal): Promise<number> {
  return withReader(db, signal, async (client) => {
    const { rows } = await client.query<{ bytes: number }>(
      "select pg_database_size(current_database())::float8 as bytes",
    );
    return rows[0]?.bytes ?? Number.NaN;
  });
}

const AGES = `
  select age(datfrozenxid) as transactions, mxid_age(datminmxid) as multixacts from pg_database
  where datname = current_database()`;

/** How many transaction numbers (and multixact numbers) old the oldest one is that is still in the database. */
export type AgeRow = { transactions: number; multixacts: number };

export async function readAges(db: Database, signal: AbortSignal): Promise<AgeRow> {
  return withReader(db, signal, async (client) => {
    const { rows } = await client.query<AgeRow>(AGES);
    const [row] = rows;
    if (row === undefined) throw new Error("the server does not list this database");
    return row;
  });
}
