import pg from "pg";
import { listMisaligned } from "../../partition/attached.ts";
import { LEAVES, type LeafRow, toAttached } from "../attached-leaves.ts";
import { COPY_COLUMN_NAMES } from "../copy-lines.ts";
import { LOOK_AT_ROOT, type RootLook, stateOf } from "../legacy/state.ts";
import { onlyRow } from "../only-row.ts";
import type { Reader } from "../session.ts";
import { EXPORTED_TABLES } from "./tables.ts";

/** Somebody who attaches tables by the hundred sees that from the first. */
const MOST_STRANGERS = 20;
const EXPORTED = JSON.stringify([
  { name: "r3a.ohlcv_partitioned", columns: COPY_COLUMN_NAMES },
  ...EXPORTED_TABLES.map(({ name, columns }) => ({ name, columns })),
]);

/** $1: the columns that a backup exports of each table. */
const UNKNOWN_COLUMNS = `
  select format('the column %I of %s', a.attname, t.name) as fault
  from jsonb_to_recordset($1::jsonb) as t (name text, columns text[])
  join pg_attribute a on a.attrelid = to_regclass(t.name)
  where a.attnum > 0 and not a.attisdropped and a.attname <> all (t.columns)
  order by t.name, a.attnum`;

/** What holds rows below the candle table on any level: tables, and tables of other servers. */
const HOLDERS = `
  select n.nspname::text as schema, c.relname::text as name, t.level, has_table_privilege(c.oid, 'select') as "mayRead",
         pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT' as "isDefault"
  from pg_partition_tree('r3a.ohlcv_partitioned') t join pg_class c on c.oid = t.relid join pg_namespace n on n.oid = c.relnamespace
  where t.isleaf order by 1, 2`;

type HolderRow = {
  readonly schema: string;
  readonly name: string;
  readonly level: number;
  readonly mayRead: boolean;
  readonly isDefault: boolean;
};

/**
 * What no backup holds, a name each: columns that its lists do not have, rows of tables below the candle table that are no
 * leaves of R3A, and what the move out of the old layout has not moved yet.
 */
export async function listLeftOut(client: Reader): Promise<readonly string[]> {
  const columns = await client.query<{ fault: string }>(UNKNOWN_COLUMNS, [EXPORTED]);
  const look = onlyRow((await client.query<RootLook>(LOOK_AT_ROOT)).rows);
  return [
    ...columns.rows.map(({ fault }) => fault),
    ...(await listStrangers(client)),
    ...(stateOf(look, []) === "moving"
      ? ["the rows in r3a.ohlcv_legacy, since the move out of the old layout is not done (migrate-layout)"]
      : []),
  ];
}

async function listStrangers(client: Reader): Promise<readonly string[]> {
  const attached = (await client.query<LeafRow>(LEAVES, [null])).rows.map(toAttached);
  const leaves = new Set(
    attached.filter((one) => listMisaligned([one]).length === 0).map(({ name }) => name),
  );
  const holders = (await client.query<HolderRow>(HOLDERS)).rows;
  const isLeaf = ({ schema, name, level }: HolderRow) => schema === "r3a" && level === 2 && leaves.has(name);
  const found: string[] = [];
  for (const holder of holders.filter((one) => !isLeaf(one)).slice(0, MOST_STRANGERS)) {
    const { schema, name, mayRead, isDefault } = holder;
    const table = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;
    // who may not look cannot say that nothing is there
    if (mayRead && !(await hasRows(client, table))) continue;
    found.push(
      `the rows of ${schema}.${name}, ${isDefault ? "a DEFAULT partition" : "which is no leaf of R3A"}`,
    );
  }
  return found;
}

async function hasRows(client: Reader, table: string): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>(`select exists (select from ${table}) as found`);
  return onlyRow(rows).found;
}
