import pg from "pg";
import { askBeside } from "./beside.ts";

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
  const values = [tablespace, database, node];
  const find = (client: pg.Client) => client.query<Damaged>(FIND_RELATION, values);
  // a catalog that is damaged too gives no name
  const found = await askBeside(makeClient, find).catch(() => null);
  const [relation] = found?.rows ?? [];
  if (relation !== undefined) error.detail = describe(relation);
}

function describe({ name, indexOf }: Damaged): string {
  return indexOf === null
    ? `the file is that of table ${name}`
    : `the file is that of index ${name} of table ${indexOf}: reindex index ${name} makes it anew`;
}
