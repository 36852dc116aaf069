import { setTimeout } from "node:timers";
import { setTimeout as wait } from "node:timers/promises";
import type pg from "pg";

const LIMIT_MS = 5_000;
const GOODBYE_MS = 1_000;
const PATH = `select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false)`;

/**
 * Asks on a connection beside the one that hangs, waits or has failed. Null where the server gives no answer within 5 s.
 * The end of the connection is not waited for.
 */
export async function askBeside<T>(
  makeClient: () => pg.Client,
  ask: (client: pg.Client) => Promise<T>,
): Promise<T | null> {
  const client = makeClient();
  client.on("error", () => {});
  const over = new AbortController();
  const late = wait(LIMIT_MS, null, { signal: over.signal }).catch(() => null);
  const answer = async () => {
    await client.connect();
    await client.query(PATH);
    return ask(client);
  };
  try {
    return await Promise.race([answer(), late]);
  } finally {
    over.abort();
    client.end().catch(() => {});
    setTimeout(() => client.connection.stream.destroy(), GOODBYE_MS).unref();
  }
}
