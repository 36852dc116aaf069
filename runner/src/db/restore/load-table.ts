import pg from "pg";
import { EXPORTED_TABLES } from "../backup/tables.ts";
import { onlyRow } from "../only-row.ts";
import type { OwnClient } from "../session.ts";

/** A table of the target, as SQL names it, with the columns of the rows that come and the key that they replace rows by. */
export type TargetTable = {
  readonly name: string;
  readonly table: string;
  readonly columns: string;
  readonly key: string;
  readonly replaced: string;
};

const FIND = `
  select format('%I.%I', n.nspname, c.relname) as "table",
         array(select attname::text from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped) as columns,
         array(select a.attname::text from pg_index i join pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey)
               where i.indrelid = c.oid and i.indisprimary) as key
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('r3a', 'r3a_util') and n.nspname || '.' || c.relname = $1 and c.relkind = 'r' and not c.relispartition`;

type Found = { readonly table: string; readonly columns: readonly string[]; readonly key: readonly string[] };

/**
 * The table of that name with these columns: a name out of a backup gets into SQL only where the catalog has it. A text:
 * why there is none.
 */
export async function findTable(
  client: OwnClient,
  { name, columns }: { readonly name: string; readonly columns: readonly string[] },
): Promise<TargetTable | string> {
  const [found] = await client.query<Found>(FIND, [name]);
  if (found === undefined) return "its schema has no such table";
  const key = EXPORTED_TABLES.find((each) => each.name === name)?.key ?? found.key;
  const unknown = [...columns, ...key].filter((column) => !found.columns.includes(column));
  if (unknown.length > 0) return `its schema has no column ${unknown.slice(0, 3).join(", ")} there`;
  if (columns.length === 0 || key.length === 0 || new Set(columns).size < columns.length)
    return "it names no columns, or one twice, or there is no key";
  const others = columns
    .filter((column) => !key.includes(column))
    .map((column) => pg.escapeIdentifier(column));
  return {
    ...{ name, table: found.table, columns: listOf(columns), key: listOf(key) },
    replaced: others.map((column) => `${column} = excluded.${column}`).join(", "),
  };
}

const listOf = (names: readonly string[]) => names.map((name) => pg.escapeIdentifier(name)).join(", ");

/** The migrations filled some tables already, and what a later object holds whole replaces what was before. */
export async function emptyTable(client: OwnClient, { table }: TargetTable): Promise<void> {
  await client.query(`delete from ${table}`);
}

/** Adds rows as COPY text with their ids; none of them may be there yet. */
export async function addTableRows(
  client: OwnClient,
  { table, columns }: TargetTable,
  rows: readonly Uint8Array[],
): Promise<void> {
  await client.copyIn(`copy ${table} (${columns}) from stdin`, rows);
}

/** Makes the table for the rows that `mergeRows` or `mergeSeries` takes. */
export async function makeStage(client: OwnClient, { table }: TargetTable): Promise<void> {
  await client.query(`
    drop table if exists pg_temp.restored_rows;
    create temp table restored_rows (like ${table}) on commit drop`);
}

export async function stageTableRows(
  client: OwnClient,
  { columns }: TargetTable,
  rows: readonly Uint8Array[],
): Promise<void> {
  await client.copyIn(`copy pg_temp.restored_rows (${columns}) from stdin`, rows);
}

/** Lets the staged rows replace those of the same key. */
export async function mergeRows(
  client: OwnClient,
  { table, columns, key, replaced }: TargetTable,
): Promise<void> {
  await client.query(`
    insert into ${table} (${columns}) overriding system value
    select ${columns} from pg_temp.restored_rows order by ${key}
    on conflict (${key}) do ${replaced === "" ? "nothing" : `update set ${replaced}`}`);
}

/** Lets the staged rows replace all rows of their series. */
export async function mergeSeries(client: OwnClient, { table, columns }: TargetTable): Promise<void> {
  await client.query(`
    delete from ${table} t using (select distinct coin_id, "interval" from pg_temp.restored_rows) s
    where t.coin_id = s.coin_id and t."interval" = s."interval";
    insert into ${table} (${columns}) overriding system value select ${columns} from pg_temp.restored_rows`);
}

export async function countRows(client: OwnClient, { table }: TargetTable): Promise<number> {
  return onlyRow(await client.query<{ count: number }>(`select count(*)::float8 as count from ${table}`))
    .count;
}
