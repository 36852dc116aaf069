import { type Database, queryRows } from "../../connect.ts";
import { onlyRow } from "../../only-row.ts";

const READ = `
  select (select system_identifier::text from pg_control_system()) || ' ' || left(pg_walfile_name(pg_current_wal_lsn()), 8) as line`;

/**
 * The server and its timeline: the same text after a restart, another one after a failover, whose server may lack what was
 * committed last.
 */
export async function readServerLine(db: Database): Promise<string> {
  return onlyRow(await queryRows<{ line: string }>(db, READ)).line;
}
