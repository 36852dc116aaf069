import { quoted } from "./schema/roles-plan.ts";

/** The statements that remedies print: each of them runs as it stands. */

/** Makes a database that can hold each name of a symbol. The locale C is there on each machine, and fits each encoding. */
export function createUnicodeDatabase(name: string): string {
  return `create database ${quoted(name)} encoding 'UTF8' locale 'C' template template0`;
}

const READ_ONLY = "default_transaction_read_only";

/**
 * What takes the setting away that makes a database read-only. `source` is that of pg_settings. A new session takes no
 * writes either, so the statement has a transaction that may write.
 */
export function resetReadOnly(
  source: string,
  { database, role }: { readonly database: string; readonly role: string },
): string {
  const place = {
    database: `database ${quoted(database)}`,
    user: `role ${quoted(role)}`,
    "database user": `role ${quoted(role)} in database ${quoted(database)}`,
    global: "role all",
  }[source];
  if (place !== undefined)
    return `for new sessions: begin read write; alter ${place} reset ${READ_ONLY}; commit`;
  if (source === "configuration file")
    return `take ${READ_ONLY} out of postgresql.conf, or, where alter system has set it: alter system reset ${READ_ONLY}; then: select pg_reload_conf()`;
  return `reset ${READ_ONLY} where it is set (${source})`;
}
