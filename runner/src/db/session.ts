import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as wait } from "node:timers/promises";
import type pg from "pg";
import { from as copyFrom, to as copyTo } from "pg-copy-streams";
import { renderDuration } from "../time.ts";
import { type Database, faultOf, faultOfConnection, openClient, tellServer, withClient } from "./connect.ts";
import { cutClient, sessionOf } from "./connection/client.ts";
import { codeOf, isCatalogClash, isConnectionError } from "./fault.ts";
import { DEADLOCK, LOCK_NOT_AVAILABLE, QUERY_CANCELED, SERIALIZATION_FAILURE } from "./sqlstate.ts";

/**
 * Three ways to work in the database, beside the single statement of withClient:
 * - `withTransaction`: one transaction on a client of the pool, for what the program stores. It has no limit of time.
 * - `bounded`: one transaction that ends in time whatever hangs, for a look at the database (health, doctor).
 * - `own`: a connection of its own, for long statements, and for locks that live as long as it does (maint, vacuum).
 */

/** Of two sessions that wait for each other the server ends one transaction; the other session is done in a moment. */
const TRIES = 3;
const PAUSE_MS = 50;
const WORTH_TRYING = new Set([DEADLOCK, SERIALIZATION_FAILURE]);

/**
 * One transaction: committed when `work` resolves, rolled back when it throws. Where the server ended the transaction
 * for the sake of another one, the whole of `work` is done again.
 */
export async function withTransaction<T>(
  db: Database,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  return withClient(db, async (client) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await client.query("begin");
        const result = await work(client);
        await client.query("commit");
        return result;
      } catch (error) {
        if (isConnectionError(error)) throw error;
        await client.query("rollback").catch(() => {}); // where the connection is lost meanwhile, the first error says why
        const isWorthTrying = WORTH_TRYING.has(codeOf(error) ?? "") || isCatalogClash(error);
        if (attempt === TRIES || !isWorthTrying) throw error;
        await wait(attempt * PAUSE_MS * (0.5 + Math.random()));
      }
    }
  });
}

/** The client of a bounded transaction. */
export type Reader = pg.PoolClient;

export type Bounds = {
  /** The limit of the transaction in ms. At the server each statement has the same limit. */
  readonly limitMs: number;
  /** A shorter limit for waiting for a lock: the server's own error then comes out, which names the holder. */
  readonly lockMs?: number;
  readonly signal: AbortSignal;
  /** Without this the transaction can only read. */
  readonly mayWrite?: true;
};

/**
 * The server's own limit comes first, since its error says why. This time on top is for a server that does not answer
 * at all.
 */
const NETWORK_GRACE_MS = 500;

/**
 * A transaction that may write respects a database that is set read-only. It waits for no standby: where
 * synchronous_standby_names names a standby that is away, the server waits for it beyond any limit.
 */
const BEGIN_WRITE = "begin; set local synchronous_commit = local";
const BEGIN_READ = "begin read only";

/**
 * One transaction that ends within `limitMs` (and half a second), whatever hangs: a lock, a slow disk, a server that is
 * frozen, a network that swallows everything. Only the wait for a connection comes on top (5 s at most). When `signal`
 * is aborted first, rejects with its reason, and cuts the connection, so that the server ends the statement and the
 * pool has its place again.
 */
export async function bounded<T>(
  db: Database,
  { limitMs, lockMs, signal, mayWrite }: Bounds,
  work: (client: Reader) => Promise<T>,
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
      const begin = mayWrite ? BEGIN_WRITE : BEGIN_READ;
      await client.query(
        `${begin}; set local statement_timeout = ${limitMs}; set local lock_timeout = ${lockMs ?? limitMs}`,
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
    const code = codeOf(error);
    const isOutOfTime = code === QUERY_CANCELED || (code === LOCK_NOT_AVAILABLE && lockMs === undefined);
    if (!isLate && !isOutOfTime) throw error;
    throw new Error(
      `no answer within ${renderDuration(limitMs)}; somebody may hold a lock (doctor says who), or the server is overloaded`,
    );
  });
}

/**
 * A connection that belongs to one piece of work: no other work sees its settings, its transaction and its warnings.
 */
export type OwnClient = {
  /**
   * Runs one unnamed statement. Without values the text may hold several statements; the rows of the last one are
   * returned. Once the signal is aborted, rejects with its reason.
   */
  query<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /**
   * The bytes of `copy ... to stdout` as they come. The caller reads them to the end before the next statement; a stream
   * that is left in the middle is of use no more, and neither is the connection. The caller may pause for 60 s, in a
   * transaction of a snapshot for 10 min: then the server counts it as unreachable (tcp_user_timeout).
   */
  copyOut(text: string): Readable;
  /**
   * Sends rows that are in memory already by one `copy ... from stdin`. A COPY that waits for a slow source would look
   * like a lost connection (watch.ts), so who has more rows sends them by several statements.
   */
  copyIn(text: string, rows: readonly Uint8Array[]): Promise<void>;
  /** Warnings of the server since the last call: VACUUM and ANALYZE report what they left out as success. */
  takeWarnings(): readonly Warning[];
};

/** `code` is the SQLSTATE. */
export type Warning = { readonly code: string; readonly message: string };

const CANCEL = `select pg_cancel_backend($1)`;

/**
 * Runs `work` on a connection of its own. When `signal` is aborted, a second connection cancels the running statement:
 * if the first connection just ended, the server would notice only after the statement.
 */
export async function own<T>(
  db: Database,
  signal: AbortSignal,
  work: (client: OwnClient) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const client = openClient(db);
  const warnings: Warning[] = [];
  client.on("notice", ({ severity, code, message }) => {
    if (severity === "WARNING") warnings.push({ code: code ?? "", message: message ?? "" });
  });
  const query: OwnClient["query"] = async <Row extends pg.QueryResultRow>(
    text: string,
    values: readonly unknown[] = [],
  ) => {
    signal.throwIfAborted();
    try {
      const answer: pg.QueryResult<Row> | pg.QueryResult<Row>[] = await client.query<Row>(
        text,
        values.length === 0 ? undefined : [...values],
      );
      return (Array.isArray(answer) ? answer.at(-1) : answer)?.rows ?? [];
    } catch (error) {
      signal.throwIfAborted();
      // the caller judges why one statement was refused
      throw isConnectionError(error) ? faultOfConnection(db, error) : error;
    }
  };
  const copyIn: OwnClient["copyIn"] = async (text, rows) => {
    signal.throwIfAborted();
    try {
      await pipeline(rows, client.query(copyFrom(text)));
    } catch (error) {
      signal.throwIfAborted();
      throw isConnectionError(error) ? faultOfConnection(db, error) : error;
    }
  };
  let pid: number | undefined;
  const cancel = () => {
    // where the database is away, the statement ends without being cancelled
    if (pid !== undefined) withClient(db, (other) => other.query(CANCEL, [pid])).catch(() => {});
  };
  signal.addEventListener("abort", cancel);
  try {
    await client.connect();
    const session = await sessionOf(client);
    pid = session.pid;
    tellServer(db, session.server);
    signal.throwIfAborted();
    const copyOut = (text: string) => client.query(copyTo(text));
    return await work({ query, copyIn, copyOut, takeWarnings: () => warnings.splice(0) });
  } catch (error) {
    throw await faultOf(db, client, error);
  } finally {
    signal.removeEventListener("abort", cancel);
    await client.end();
  }
}
