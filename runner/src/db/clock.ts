import { type Database, withClient } from "./connect.ts";

const NOW = `select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms`;

/** The database's time (ms): the second witness for what the exchange says of its own. */
export async function findDatabaseTime(db: Database): Promise<number> {
  const { rows } = await withClient(db, (client) => client.query<{ ms: number }>(NOW));
  const ms = rows[0]?.ms;
  if (ms === undefined) throw new Error("the database says nothing of its clock");
  return ms;
}

/** Whether the URL leads to this machine: a socket's folder or a loopback address. */
export function isThisHost(url: string): boolean {
  const { hostname, searchParams } = new URL(url);
  const host = searchParams.get("host") ?? decodeURIComponent(hostname);
  return /^(\/|localhost$|127\.\d|\[::1\]$|::1$)/.test(host);
}
