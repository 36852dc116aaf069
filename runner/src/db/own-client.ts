import type pg from "pg";
import { clientConfig, type Database, faultOf, tellServer, withClient } from "./connect.ts";
import { createClient, sessionOf } from "./connection/client.ts";
import { isConnectionError, translate } from "./fault.ts";

/** A connection that belongs to one piece of work: its settings, its transaction and its warnings are no one else's. */
export type OwnClient = {
  /**
   * Runs one unnamed statement, or without values several, of which the rows of the last are returned. Rejects with the
   * signal's reason once that is aborted.
   */
  query<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Warnings of the server since the last call: VACUUM and ANALYZE report what they left out as success. */
  takeWarnings(): readonly Warning[];
};

/** `code` is the SQLSTATE. */
export type Warning = { readonly code: string; readonly message: string };

const CANCEL = `select pg_cancel_backend($1)`;

/**
 * Runs `work` on a connection of its own. When `signal` is aborted the running statement is cancelled by a second
 * connection: to end the first one would only be noticed by the server after the statement.
 */
export async function withOwnClient<T>(
  db: Database,
  signal: AbortSignal,
  work: (client: OwnClient) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const client = createClient(clientConfig(db.url, db.name));
  client.on("error", () => {}); // the statement that meets it fails by itself
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
      // what one statement was refused for is judged by whoever asked
      throw isConnectionError(error) ? translate(error) : error;
    }
  };
  let pid: number | undefined;
  const cancel = () => {
    // where the database is away the statement ends without us
    if (pid !== undefined) withClient(db, (other) => other.query(CANCEL, [pid])).catch(() => {});
  };
  signal.addEventListener("abort", cancel);
  try {
    await client.connect();
    const session = await sessionOf(client);
    pid = session.pid;
    tellServer(db, session.server);
    signal.throwIfAborted();
    return await work({ query, takeWarnings: () => warnings.splice(0) });
  } catch (error) {
    throw await faultOf(client, error);
  } finally {
    signal.removeEventListener("abort", cancel);
    await client.end();
  }
}
