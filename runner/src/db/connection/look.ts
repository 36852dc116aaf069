import type pg from "pg";
import { codeOf } from "../fault.ts";
import { askBeside } from "./beside.ts";
import { listBlockers, renderSessions } from "./sessions.ts";

/** What another connection sees of a session whose statement takes long. */
export type Look = {
  /**
   * Whether the server works on the statement or waits for a lock. False where it waits for the client or for a
   * standby, is idle, or gives no answer.
   */
  readonly isAtWork: boolean;
  /** What the session waits for and who holds it, in words; null where it waits for nobody. */
  readonly heldBy: string | null;
};

const NO_ANSWER: Look = { isAtWork: false, heldBy: null };
const TOO_MANY_CONNECTIONS = "53300";

const STATE = `
  select a.state = 'active' and a.wait_event_type is distinct from 'Client' as "isAtWork",
         a.wait_event = 'SyncRep' as "isUnconfirmed", l.locktype, l.mode,
         l.relation::regclass::text as relation,
         (select t.relation::regclass::text from pg_locks t where t.pid = a.pid and t.locktype = 'tuple' limit 1) as "rowOf"
  from pg_stat_activity a left join pg_locks l on l.pid = a.pid and not l.granted
  where a.pid = $1 limit 1`;
const ADVISORY = `select scope || ':' || key as name from r3a_util.lock_holder where pid = $1 and not granted limit 1`;

/**
 * The server waits for a standby without an end, and a job must not wait with it: what the job committed is on the
 * disk, and the next run finds it.
 */
const STANDBY =
  "the commit waits for a standby that does not confirm it: look at synchronous_standby_names and pg_stat_replication";

type StateRow = {
  readonly isAtWork: boolean | null;
  readonly isUnconfirmed: boolean | null;
  readonly locktype: string | null;
  readonly mode: string | null;
  readonly relation: string | null;
  readonly rowOf: string | null;
};

/**
 * Looks at the server's process `pid` on a connection of its own, since all others may hang or wait. A server that does
 * not answer counts as not at work.
 */
export async function lookAt(makeClient: () => pg.Client, pid: number): Promise<Look> {
  try {
    return (await askBeside(makeClient, (client) => readState(client, pid))) ?? NO_ANSWER;
  } catch (error) {
    // a server without a free connection does answer, and may be at work on the statement
    return { isAtWork: codeOf(error) === TOO_MANY_CONNECTIONS, heldBy: null };
  }
}

async function readState(client: pg.Client, pid: number): Promise<Look> {
  const [state] = (await client.query<StateRow>(STATE, [pid])).rows;
  if (state === undefined) return NO_ANSWER;
  if (state.isUnconfirmed === true) return { isAtWork: false, heldBy: STANDBY };
  const holders = renderSessions(await listBlockers(client, pid));
  const heldBy = holders === "" ? null : `${await nameLock(client, pid, state)} is held by ${holders}`;
  return { isAtWork: state.isAtWork === true, heldBy };
}

async function nameLock(client: pg.Client, pid: number, state: StateRow): Promise<string> {
  if (state.locktype === "advisory") {
    // the view does not exist before the first migration
    const found = await client.query<{ name: string }>(ADVISORY, [pid]).catch(() => null);
    return `the lock ${found?.rows[0]?.name ?? "(advisory)"}`;
  }
  const table = state.relation ?? state.rowOf;
  if (state.locktype === "relation") return `the table ${table}`;
  return table === null ? "a row" : `a row of ${table}`;
}
