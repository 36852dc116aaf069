import { type Database, withClient } from "./connect.ts";
import { msOf } from "./sql-time.ts";

const NOW = `select ${msOf("clock_timestamp()")} as ms`;

/** The database's time (ms). It is the second witness beside the exchange's own time. */
export async function findDatabaseTime(db: Database): Promise<number> {
  const { rows } = await withClient(db, (client) => client.query<{ ms: number }>(NOW));
  const ms = rows[0]?.ms;
  if (ms === undefined) throw new Error("the database says nothing of its clock");
  return ms;
}
