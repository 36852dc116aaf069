import { SettingsFault } from "../../errors.ts";
import { type Database, queryRows } from "../connect.ts";

const LIST_OBJECTS = `
  select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = $1 order by c.relname limit 4`;

/**
 * Throws a SettingsFault where a schema has a table, or anything else with rows or a name: a restore makes its tables new,
 * and a table of an earlier restore would be taken for one of this.
 */
export async function refuseFilled(db: Database, schema: string): Promise<void> {
  const found = await queryRows<{ name: string }>(db, LIST_OBJECTS, [schema]);
  if (found.length === 0) return;
  const names = found.map(({ name }) => name);
  throw new SettingsFault([
    `--to-schema ${schema}: the schema has ${names.slice(0, 3).join(", ")}${names.length > 3 ? " and more" : ""} already, and a restore makes its tables new: name another schema, or drop this one (drop schema ${schema} cascade)`,
  ]);
}
