import type { Context } from "../context.ts";
import type { CommandName } from "../contract/commands.ts";
import { closeDatabase, type Database, openDatabase } from "./connect.ts";
import type { AddressName } from "./connection/address.ts";
import { createLockSession, type LockSession } from "./lock.ts";
import { patienceMs, tellOfWait, waitForSchema } from "./schema/schema.ts";

/** The database of a command. */
export type DatabaseRequest = {
  readonly command: CommandName;
  readonly url: string;
  /** Where the URL came from (default: DB_URL). */
  readonly address?: AddressName;
  /**
   * How long to wait for a server that answers and has every migration, in ms; null: not at all. Default: patienceMs of
   * the deadline.
   */
  readonly waitMs?: number | null;
};

/** The name of a command's sessions, which others see at the server. */
export function sessionName({ runId }: Context, command: CommandName): string {
  return `${command} ${runId.slice(0, 13)}`;
}

/**
 * Opens the database, waits for its schema, runs `work`, and closes. A connection that hangs does not keep the process.
 */
export async function withDatabase<T>(
  context: Context,
  { command, url, address, waitMs = patienceMs(context.deadlineS) }: DatabaseRequest,
  work: (db: Database) => Promise<T>,
): Promise<T> {
  const db = openDatabase(url, sessionName(context, command), address);
  try {
    if (waitMs !== null)
      await waitForSchema(db, { waitMs, signal: context.signal, tell: tellOfWait(context) });
    return await work(db);
  } finally {
    await closeDatabase(db);
  }
}

/**
 * Opens the database with a session for locks beside it, runs `work`, and closes both. `work` opens the session when it
 * needs it, and waits for the schema itself.
 */
export async function withLocks<T>(
  {
    url,
    name,
    address,
    signal,
  }: Pick<Database, "url" | "name"> &
    Pick<DatabaseRequest, "address"> & { readonly signal: AbortSignal | undefined },
  work: (db: Database, locks: LockSession) => Promise<T>,
): Promise<T> {
  const db = openDatabase(url, name, address);
  const locks = createLockSession(db, signal);
  try {
    return await work(db, locks);
  } finally {
    await Promise.all([locks.end(), closeDatabase(db)]);
  }
}
