import type pg from "pg";
import { renderDuration } from "../time.ts";
import { codeOf, type Database, withTransaction } from "./connect.ts";

const QUERY_CANCELED = "57014";
/** The client of a transaction that only reads. */
export type Reader = pg.PoolClient;

/** The server's own limit comes first, since it says why; ours is for a server that does not answer at all. */
const NETWORK_GRACE_MS = 500;
const LEDGER_LIMIT_MS = 2_000;

/**
 * One read-only transaction that ends within `limitMs` (and half a second), whatever hangs: a lock, a slow disk, a
 * server that is frozen. Rejects with the reason of `signal` when that comes first.
 */
export async function withinTime<T>(
  db: Database,
  limitMs: number,
  signal: AbortSignal,
  work: (client: Reader) => Promise<T>,
): Promise<T> {
  let isLate = false;
  const read = withTransaction(db, async (client) => {
    // with a statement under way this closes the socket, and the statement rejects
    const cut = () => void client.end().catch(() => {});
    const timer = setTimeout(() => {
      isLate = true;
      cut();
    }, limitMs + NETWORK_GRACE_MS);
    signal.addEventListener("abort", cut, { once: true });
    try {
      signal.throwIfAborted();
      await client.query(`set transaction read only; set local statement_timeout = ${limitMs}`);
      return await work(client);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", cut);
    }
  });
  return read.catch((error: unknown) => {
    signal.throwIfAborted();
    if (!isLate && codeOf(error) !== QUERY_CANCELED) throw error;
    throw new Error(
      `no answer within ${renderDuration(limitMs)}; somebody may hold a lock (doctor says who), or the server is overloaded`,
    );
  });
}

/** What a run and its health results are written to. */
const TRY_LEDGER = "lock table r3a.run, r3a.job_counter, r3a.health_result in row exclusive mode";

/** Rejects where a row of the ledger would have to wait for somebody, or where there is none. Changes nothing. */
export async function tryLedger(db: Database, signal: AbortSignal): Promise<void> {
  await withinTime(db, LEDGER_LIMIT_MS, signal, (client) => client.query(TRY_LEDGER));
}
