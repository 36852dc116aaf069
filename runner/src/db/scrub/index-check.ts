import pg from "pg";
import { type BackupLeaf, tableOf } from "../backup/backup-leaf.ts";
import type { OwnClient } from "../session.ts";
import { lockLeaf } from "./look-session.ts";

/** `isKey`: the primary key, whose columns are those of a candle's key. */
export type LeafIndex = { readonly schema: string; readonly name: string; readonly isKey: boolean };

const LIST = (leaf: BackupLeaf) => `
  select n.nspname::text as schema, c.relname::text as name, i.indisprimary as "isKey"
  from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace join pg_am m on m.oid = c.relam
  where i.indrelid = to_regclass(${pg.escapeLiteral(tableOf(leaf))}) and m.amname = 'btree' and i.indisvalid and i.indisready and i.indislive
  order by i.indisprimary desc, c.relname`;

/** The B-trees of a leaf that are valid, the primary key first. Nothing checks other kinds of indexes. */
export async function listBtrees(client: OwnClient, leaf: BackupLeaf): Promise<readonly LeafIndex[]> {
  return client.query<LeafIndex>(LIST(leaf));
}

/** The function of the extension, and not what somebody else gave its name. */
const FIND_AMCHECK = `
  select n.nspname::text as schema
  from pg_extension e join pg_namespace n on n.oid = e.extnamespace
  join pg_depend d on d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid and d.deptype = 'e' and d.classid = 'pg_proc'::regclass
  join pg_proc p on p.oid = d.objid and p.proname = 'bt_index_check' and p.pronargs = 2
  where e.extname = 'amcheck' and has_function_privilege(p.oid, 'execute') and has_schema_privilege(n.oid, 'usage')`;

/** The schema of amcheck; null where it is not installed or the role may not run it. */
export async function findAmcheck(client: OwnClient): Promise<string | null> {
  const [row] = await client.query<{ schema: string }>(FIND_AMCHECK);
  return row?.schema ?? null;
}

/** Throws the server's error about what is wrong. With `withHeap` also where the index lacks a row of the table. */
export async function checkByAmcheck(
  client: OwnClient,
  { schema, name }: LeafIndex,
  { amcheck, withHeap }: { readonly amcheck: string; readonly withHeap: boolean },
): Promise<void> {
  const index = pg.escapeLiteral(`${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`);
  await client.query(
    `select ${pg.escapeIdentifier(amcheck)}.bt_index_check(${index}::regclass, ${withHeap})`,
  );
}

/** Keys by one path: their number, and the sum of their hashes. */
const READ_KEYS = (leaf: BackupLeaf) => `
  select count(*)::float8 as rows,
         coalesce(sum(hash_record_extended(row(t.coin_id, t."interval", t."timestamp"), 0)), 0)::text as hash
  from ${tableOf(leaf)} t`;

/** The server reads no index alone where it may scan none, so each path sets all four. */
const BY = {
  index: `set local enable_seqscan = off; set local enable_bitmapscan = off; set local enable_indexscan = on;
    set local enable_indexonlyscan = on`,
  table: `set local enable_seqscan = on; set local enable_bitmapscan = off; set local enable_indexscan = off;
    set local enable_indexonlyscan = off`,
} as const;

const BEGIN = (leaf: BackupLeaf) => `
  begin isolation level repeatable read read only; set local max_parallel_workers_per_gather = 0;
  ${lockLeaf(leaf)}`;

type Keys = { readonly rows: number; readonly hash: string };

/**
 * Reads the keys by the primary key alone and from the table alone, in one snapshot. Null where both are the same, or a
 * sentence. For where amcheck cannot be used: an index that leads to other rows with the same keys is not noticed.
 */
export async function compareKeys(client: OwnClient, leaf: BackupLeaf): Promise<string | null> {
  await client.query(BEGIN(leaf));
  const read = async (path: keyof typeof BY) => {
    await client.query(BY[path]);
    return (await client.query<Keys>(READ_KEYS(leaf)))[0];
  };
  const [table, index] = [await read("table"), await read("index")];
  await client.query("commit");
  if (table?.rows === index?.rows && table?.hash === index?.hash) return null;
  return `the primary key gives ${index?.rows} keys, and the table ${table?.rows}${table?.rows === index?.rows ? " others" : ""}`;
}
