import type { Context } from "../context.ts";
import type { CommandName } from "../contract/commands.ts";
import { closeDatabase, type Database, openDatabase } from "./connect.ts";
import { createLockSession, type LockSession } from "./lock.ts";
import { patienceMs, waitForSchema } from "./schema/schema.ts";

/** The database of a command. */
export type DatabaseRequest = {
  readonly command: CommandName;
  readonly url: string;
  /** How long to wait for a server that answers and has every migration; null: not at all. Default: by the deadline. */
  readonly waitMs?: number | null;
};

/** The name of a command's sessions, by which others know them at the server. */
export function sessionName({ runId }: Context, command: CommandName): string {
  return `${command} ${runId.slice(0, 13)}`;
}

/** Opens the database, waits for its schema, runs `work`, and closes; a connection that hangs does not keep the process. */
export async function withDatabase<T>(
  context: Context,
  { command, url, waitMs = patienceMs(context.deadlineS) }: DatabaseRequest,
  work: (db: Database) => Promise<T>,
): Promise<T> {
  const db = openDatabase(url, sessionName(context, command));
  try {
    if (waitMs !== null) await waitForSchema(db, waitMs, context.signal);
    return await work(db);
  } finally {
    await closeDatabase(db);
  }
}

/** The same with a session for locks beside it, which `work` opens when it needs it; nothing is waited for. */
export async function withLocks<T>(
  { url, name, signal }: Pick<Database, "url" | "name"> & { readonly signal: AbortSignal | undefined },
  work: (db: Database, locks: LockSession) => Promise<T>,
): Promise<T> {
  const db = openDatabase(url, name);
  const locks = createLockSession(db, signal);
  try {
    return await work(db, locks);
  } finally {
    await Promise.all([locks.end(), closeDatabase(db)]);
  }
}
