import pg from "pg";
import { isLeafName } from "../../archive/leaf-record.ts";
import type { Detector } from "../../contract/damage.ts";
import { cutDetail, NOTE_DAMAGE } from "../leaf/damage-note.ts";
import { UNDEFINED_FILE } from "../sqlstate.ts";
import { askBeside } from "./beside.ts";

/**
 * Paths in the default tablespace or in another one; later segments and other forks have more text behind the last
 * number.
 */
const FILE = /(?:\bbase|\bpg_tblspc\/(\d+)\/[^/\s]+)\/(\d+)\/(\d+)/;
/** How the server names an index that contradicts itself. */
const INDEX = /\bindex "([^"]+)"/;

/** $4: the name of an index of the candle table, where there is no path. */
const FIND_RELATION = `
  select c.oid::regclass::text as name, i.indrelid::regclass::text as "indexOf",
         n.nspname::text as schema, t.relname::text as "table"
  from pg_catalog.pg_class c left join pg_catalog.pg_index i on i.indexrelid = c.oid
  join pg_catalog.pg_class t on t.oid = coalesce(i.indrelid, c.oid) join pg_catalog.pg_namespace n on n.oid = t.relnamespace
  where case when $4::text is null
             then c.oid = pg_catalog.pg_filenode_relation($1, $3)
                  and $2::oid = (select oid from pg_catalog.pg_database where datname = current_database())
             else c.relname = $4 and c.relkind = 'i' and n.nspname = 'r3a' end`;

/** The table or index whose file cannot be read, with schema. `indexOf` null: it is a table. `table`: the table in any case. */
export type Damaged = {
  readonly name: string;
  readonly indexOf: string | null;
  readonly schema: string;
  readonly table: string;
};

const known = new WeakMap<Error, Damaged>();
/** Errors of a COPY pass through two places, other errors through one. */
const asked = new WeakSet<Error>();

/** What `nameDamaged` found about an error or about its cause; null: nothing. */
export function damagedOf(error: unknown): Damaged | null {
  if (!(error instanceof Error)) return null;
  return known.get(error) ?? damagedOf(error.cause);
}

/**
 * Adds to an error about a damaged file (kind `damage` of sqlstate.ts) which table or index the file belongs to: the
 * server names only the path. Where that is a leaf or an index of a leaf, r3a.leaf_damage gets a row, so that health and
 * restore --damaged know of it. Asks on a connection of its own, since the transaction of the error is over. The error
 * stays as it is where the table cannot be found, and says nothing of a row that could not be written.
 */
export async function nameDamaged(makeClient: () => pg.Client, error: unknown): Promise<void> {
  if (!(error instanceof pg.DatabaseError) || asked.has(error)) return;
  asked.add(error);
  const [, tablespace = "0", database, node] = FILE.exec(error.message) ?? [];
  const index = node === undefined ? INDEX.exec(error.message)?.[1] : null;
  if (index === undefined) return;
  const values = [tablespace, database ?? "0", node ?? "0", index];
  const find = async (client: pg.Client) => {
    const [relation] = (await client.query<Damaged>(FIND_RELATION, values)).rows;
    if (relation === undefined) return;
    known.set(error, relation);
    error.detail ??= describe(relation);
    await noteDamaged(client, relation, error).catch(() => {});
  };
  // a catalog that is damaged too gives no name
  await askBeside(makeClient, find).catch(() => null);
}

const NOTE_LIMITS = `
  set statement_timeout = 2000; set lock_timeout = 2000; set synchronous_commit = local`;

/** A role that may only read, a standby and a schema without the table leave no row. */
async function noteDamaged(
  client: pg.Client,
  { schema, table, name, indexOf }: Damaged,
  { code, message }: pg.DatabaseError,
): Promise<void> {
  if (schema !== "r3a" || !isLeafName(table)) return;
  const ofTable: Detector = code === UNDEFINED_FILE ? "file" : "unreadable";
  const detector: Detector = indexOf === null ? ofTable : "index";
  const detail = `${indexOf === null ? "" : `${name}: `}${message} (SQLSTATE ${code})`;
  await client.query(NOTE_LIMITS);
  await client.query(NOTE_DAMAGE, [table, detector, cutDetail(detail), null]);
}

function describe({ name, indexOf }: Damaged): string {
  return indexOf === null
    ? `the file is that of table ${name}`
    : `the file is that of index ${name} of table ${indexOf}: reindex index ${name} makes it anew`;
}
