import pg from "pg";
import { type BackupLeaf, tableOf } from "../backup/backup-leaf.ts";
import { scratchOf } from "../leaf/scratch.ts";
import { onlyRow } from "../only-row.ts";
import type { OwnClient } from "../session.ts";

const PAGES = `
  select pg_relation_size($1::regclass)::float8 / current_setting('block_size')::int as pages,
         pg_total_relation_size($1::regclass)::float8 as bytes, pg_database_size(current_database())::float8 as database`;

/** The pages of the table, its size with indexes, and that of the whole database, in bytes. */
export async function measureLeaf(
  client: OwnClient,
  leaf: BackupLeaf,
): Promise<{ readonly pages: number; readonly bytes: number; readonly database: number }> {
  return onlyRow(
    await client.query<{ pages: number; bytes: number; database: number }>(PAGES, [tableOf(leaf)]),
  );
}

/** Reads the pages from that one on, and no other. */
const BEYOND = (leaf: BackupLeaf, pages: number) =>
  `select count(*)::float8 as count from ${tableOf(leaf)} where ctid >= '(${pages},0)'::tid`;

/** The rows that lie behind the first so many pages. */
export async function countBeyond(client: OwnClient, leaf: BackupLeaf, pages: number): Promise<number> {
  return onlyRow(await client.query<{ count: number }>(BEYOND(leaf, Math.floor(pages)))).count;
}

/** Those that somebody added too: a rewrite loses nothing. */
const COLUMNS = `
  select array_agg(a.attname::text order by a.attnum) as names from pg_attribute a
  where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''`;
const FILL = (leaf: BackupLeaf, columns: string) => `
  begin;
  insert into ${tableOf(scratchOf(leaf))} (${columns}) select ${columns} from ${tableOf(leaf)} order by coin_id, "interval", "timestamp";
  select pg_current_xact_id()::text as xid`;
/** The counters are then those of the table before another session reads them. */
const END = `select pg_stat_force_next_flush(); commit`;

/** Writes the rows of the leaf into its scratch table, in the order of the key. Returns the number of the transaction. */
export async function fillScratch(client: OwnClient, leaf: BackupLeaf): Promise<string> {
  const { names } = onlyRow(await client.query<{ names: string[] }>(COLUMNS, [tableOf(leaf)]));
  const columns = names.map((name) => pg.escapeIdentifier(name)).join(", ");
  try {
    const { xid } = onlyRow(await client.query<{ xid: string }>(FILL(leaf, columns)));
    await client.query(END);
    return xid;
  } catch (error) {
    await client.query("rollback").catch(() => {}); // the first error says why
    throw error;
  }
}

const FREEZE = (leaf: BackupLeaf) => `vacuum (freeze, analyze) ${tableOf(scratchOf(leaf))}`;
/** relfrozenxid is the oldest transaction that the server had to respect: a later one than that of the rows froze them all. */
const IS_FROZEN = `
  select age(relfrozenxid) < age($2::xid8::xid) as "isFrozen" from pg_class where oid = $1::regclass`;

/**
 * Freezes the rows of the scratch table. False while somebody has a snapshot that is older than them: a frozen row alone is
 * seen by every snapshot, and after the swap such a session would read an empty leaf.
 */
export async function freezeScratch(client: OwnClient, leaf: BackupLeaf, xid: string): Promise<boolean> {
  await client.query(FREEZE(leaf));
  const values = [tableOf(scratchOf(leaf)), xid];
  return onlyRow(await client.query<{ isFrozen: boolean }>(IS_FROZEN, values)).isFrozen;
}

const OLDEST = `
  select format('%s (pid %s)', coalesce(nullif(application_name, ''), 'a session without a name'), pid) as session
  from pg_stat_activity where backend_xmin is not null and pid <> pg_backend_pid() and age(backend_xmin) >= age($1::xid8::xid)
  order by age(backend_xmin) desc limit 1`;

/** Who has the oldest snapshot, as far as this role may see it. */
export async function findOldest(client: OwnClient, xid: string): Promise<string> {
  const [row] = await client.query<{ session: string }>(OLDEST, [xid]);
  return row?.session ?? "a session that this role may not see, a prepared transaction or a replication slot";
}

const TIDY = (leaf: BackupLeaf) => `vacuum (freeze, analyze, skip_locked) ${tableOf(leaf)}`;

/** Freezes what of a leaf can be frozen; waits for nobody. */
export async function tidyLeaf(client: OwnClient, leaf: BackupLeaf): Promise<void> {
  await client.query(TIDY(leaf));
}
