import { setTimeout as wait } from "node:timers/promises";
import pg from "pg";

const LIMIT_MS = 5_000;
/**
 * Paths in the default tablespace or in another one; later segments and other forks have more text behind the last
 * number.
 */
const FILE = /(?:\bbase|\bpg_tblspc\/(\d+)\/[^/\s]+)\/(\d+)\/(\d+)/;

const FIND_RELATION = `
  select c.oid::regclass::text as name, i.indrelid::regclass::text as "indexOf"
  from pg_catalog.pg_class c left join pg_catalog.pg_index i on i.indexrelid = c.oid
  where c.oid = pg_catalog.pg_filenode_relation($1, $3)
    and $2::oid = (select oid from pg_catalog.pg_database where datname = current_database())`;
const PATH = `select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false)`;

type Damaged = { readonly name: string; readonly indexOf: string | null };

/**
 * Adds to an error about a damaged file (kind `damage` of sqlstate.ts) which table or index the file belongs to: the
 * server names only the path. Asks on a connection of its own, since the transaction of the error is over. The error
 * stays as it is where the table cannot be found.
 */
export async function nameDamaged(makeClient: () => pg.Client, error: unknown): Promise<void> {
  if (!(error instanceof pg.DatabaseError)) return;
  const [, tablespace = "0", database, node] = FILE.exec(error.message) ?? [];
  if (database === undefined || node === undefined) return;
  const client = makeClient();
  client.on("error", () => {});
  const over = new AbortController();
  const late = wait(LIMIT_MS, [], { signal: over.signal }).catch(() => []);
  const find = async () => {
    await client.connect();
    await client.query(PATH);
    return (await client.query<Damaged>(FIND_RELATION, [tablespace, database, node])).rows;
  };
  // a catalog that is damaged too gives no name
  const [found] = await Promise.race([find().catch(() => []), late]);
  over.abort();
  client.end().catch(() => {});
  if (found !== undefined) error.detail = describe(found);
}

function describe({ name, indexOf }: Damaged): string {
  return indexOf === null
    ? `the file is that of table ${name}`
    : `the file is that of index ${name} of table ${indexOf}: reindex index ${name} makes it anew`;
}
