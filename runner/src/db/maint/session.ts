import type { Database } from "../connect.ts";
import { onlyRow } from "../only-row.ts";
import { type OwnClient, own } from "../session.ts";

/**
 * A connection that holds the lock ('maint', 'global') and does the work: when it is lost, lock and work end together. A
 * lock on another connection could be gone while a build goes on.
 */
export type MaintSession = {
  readonly client: OwnClient;
  /** Of the server's process. */
  readonly pid: number;
  /** Throws where this session holds the lock no more, as behind a pooler that changes connections. */
  checkHeld(): Promise<void>;
};

const TAKE = `select r3a_util.acquire_lock('maint', 'global') as held, pg_backend_pid() as pid`;
const RELEASE = `select r3a_util.release_lock('maint', 'global') as held`;
const IS_HELD = `
  select exists (select from pg_locks where locktype = 'advisory' and objsubid = 1 and granted and pid = pg_backend_pid()
    and (classid::bigint << 32) | objid::bigint = r3a_util.lock_key('maint', 'global')) as held`;

/** Runs `work` under the lock; null when another holder is at work. When `signal` aborts, its statement is cancelled. */
export async function withMaintSession<T>(
  db: Database,
  signal: AbortSignal,
  work: (session: MaintSession) => Promise<T>,
): Promise<T | null> {
  return own(db, signal, async (client) => {
    const checkHeld = async (sql: string) => {
      if (onlyRow(await client.query<{ held: boolean }>(sql)).held) return;
      throw new Error(
        "the lock maint:global was lost: look for a second holder; DB_URL must not lead to a pooler in transaction mode",
      );
    };
    const { held, pid } = onlyRow(await client.query<{ held: boolean; pid: number }>(TAKE));
    if (!held) return null;
    const result = await work({ client, pid, checkHeld: () => checkHeld(IS_HELD) });
    await checkHeld(RELEASE);
    return result;
  });
}
