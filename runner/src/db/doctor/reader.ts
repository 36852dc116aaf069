import type pg from "pg";
import { type Database, faultOf, takeClient } from "../connect.ts";
import { codeOf, isConnectionError } from "../fault.ts";
import { INVALID_SCHEMA, UNDEFINED_COLUMN, UNDEFINED_FUNCTION, UNDEFINED_TABLE } from "../sqlstate.ts";

/** Shorter than the time of a check, so that the server's own words come out. */
const BEGIN = "begin read only; set local statement_timeout = 4000; set local lock_timeout = 1500";

/** No such table, schema, column or function. */
const MISSING = new Set([UNDEFINED_TABLE, INVALID_SCHEMA, UNDEFINED_COLUMN, UNDEFINED_FUNCTION]);

/** Whether a statement met a schema that lacks what it asks for. */
export function isMissingObject(error: unknown): boolean {
  return MISSING.has(codeOf(error) ?? "");
}

/**
 * Reads in one read-only transaction that waits for nobody. When `signal` aborts, the connection is cut and the
 * statement with it: a server that hangs must not keep a connection of the pool from the next reader.
 */
export async function withReader<T>(
  db: Database,
  signal: AbortSignal,
  read: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await takeClient(db);
  let isOurs = true;
  const release = (broken: boolean) => {
    if (isOurs) client.release(broken);
    isOurs = false;
  };
  const cut = () => release(true);
  signal.addEventListener("abort", cut, { once: true });
  try {
    signal.throwIfAborted();
    await client.query(BEGIN);
    const result = await read(client);
    await client.query("commit");
    return result;
  } catch (error) {
    if (isConnectionError(error)) release(true);
    else if (isOurs) await client.query("rollback").catch(() => {});
    throw await faultOf(client, error);
  } finally {
    signal.removeEventListener("abort", cut);
    release(false);
  }
}
