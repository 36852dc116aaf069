import { type Database, queryRows } from "./connect.ts";
import { onlyRow } from "./only-row.ts";
import { msOf } from "./sql-time.ts";

export const NOW = `select ${msOf("clock_timestamp()")} as ms`;

/** The database's time (ms). It is the second witness beside the exchange's own time. */
export async function findDatabaseTime(db: Database): Promise<number> {
  return onlyRow(await queryRows<{ ms: number }>(db, NOW)).ms;
}
