import { type Database, queryRows } from "../connect.ts";

/** A column of the old table of candles; `type` has no limits, and for a domain it is the type below the domain. */
export type OldColumn = { readonly name: string; readonly type: string };

const LIST_COLUMNS = `
  select a.attname as name, format_type(coalesce(nullif(t.typbasetype, 0), t.oid), null) as type
  from pg_attribute a join pg_type t on t.oid = a.atttypid
  where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped order by a.attnum`;

const LIST_CARRIED = `select name from r3a.legacy_note where kind = 'column'`;

export async function listOldColumns(db: Database, root: string): Promise<readonly OldColumn[]> {
  return queryRows(db, LIST_COLUMNS, [root]);
}

/** Names of the columns that the first run decided to move, when it renamed the old table. */
export async function listCarried(db: Database): Promise<ReadonlySet<string>> {
  const rows = await queryRows<{ name: string }>(db, LIST_CARRIED);
  return new Set(rows.map(({ name }) => name));
}
