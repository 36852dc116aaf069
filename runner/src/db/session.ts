import type pg from "pg";
import { renderDuration } from "../time.ts";
import { type Database, withClient } from "./connect.ts";
import { cutClient } from "./connection/client.ts";
import { codeOf, isConnectionError } from "./fault.ts";
import { LOCK_NOT_AVAILABLE, QUERY_CANCELED } from "./sqlstate.ts";

/** Cancelled by statement_timeout, or by lock_timeout. */
const OUT_OF_TIME = new Set([QUERY_CANCELED, LOCK_NOT_AVAILABLE]);
/** The client of a transaction that only reads. */
export type Reader = pg.PoolClient;

/** The server's own limit comes first, since it says why; ours is for a server that does not answer at all. */
const NETWORK_GRACE_MS = 500;

/**
 * A transaction that writes leaves what is read-only so, and waits for no standby: the server does, beyond any limit,
 * where synchronous_standby_names names one that is away.
 */
const BEGIN = { read: "begin read only", write: "begin; set local synchronous_commit = local" } as const;

/**
 * One transaction that ends within `limitMs` (and half a second), whatever hangs: a lock, a slow disk, a server that is
 * frozen, a network that swallows everything. Only the wait for a connection comes on top (5 s at most). Rejects with
 * the reason of `signal` when that comes first.
 */
export async function withinTime<T>(
  db: Database,
  limitMs: number,
  signal: AbortSignal,
  work: (client: Reader) => Promise<T>,
  kind: keyof typeof BEGIN = "read",
): Promise<T> {
  let isLate = false;
  const done = withClient(db, async (client) => {
    const cut = () => cutClient(client);
    const timer = setTimeout(() => {
      isLate = true;
      cut();
    }, limitMs + NETWORK_GRACE_MS);
    signal.addEventListener("abort", cut, { once: true });
    try {
      signal.throwIfAborted();
      await client.query(
        `${BEGIN[kind]}; set local statement_timeout = ${limitMs}; set local lock_timeout = ${limitMs}`,
      );
      const result = await work(client);
      await client.query("commit");
      return result;
    } catch (error) {
      if (!isConnectionError(error)) await client.query("rollback").catch(() => {});
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", cut);
    }
  });
  return done.catch((error: unknown) => {
    signal.throwIfAborted();
    if (!isLate && !OUT_OF_TIME.has(codeOf(error) ?? "")) throw error;
    throw new Error(
      `no answer within ${renderDuration(limitMs)}; somebody may hold a lock (doctor says who), or the server is overloaded`,
    );
  });
}
