import { type Database, openClient } from "../connect.ts";
import { translate } from "../fault.ts";
import { ageMs } from "../sql-time.ts";
import { readRow, readRows } from "./reader.ts";

const HELD_LOCKS = `
  select scope, key, pid, coalesce(application_name, '') as application, ${ageMs("backend_start")} as "ageMs"
  from r3a_util.lock_holder where granted order by scope, key, pid`;

/** A lock that a session holds. `ageMs`: the age of the session's connection. */
export type HeldLockRow = { scope: string; key: string; pid: number; application: string; ageMs: number };

export async function listHeldLocks(db: Database, signal: AbortSignal): Promise<readonly HeldLockRow[]> {
  return readRows(db, signal, HELD_LOCKS);
}

const BLOCKED = `
  select a.pid, a.application_name as application, ${ageMs("coalesce(l.since, a.query_start)")} as "ageMs",
         coalesce(a.wait_event_type = 'Lock' and a.wait_event = 'advisory', false) as "isAdvisory",
         a.wait_event = 'SyncRep' as "isStandby",
         (select string_agg(format('%s %s, %s', b.pid, coalesce(nullif(b.application_name, ''), '(no name)'), b.state), ' and ')
          from pg_stat_activity b where b.pid = any(pg_blocking_pids(a.pid))) as blockers
  from pg_stat_activity a
  left join lateral (select min(waitstart) as since from pg_locks where pid = a.pid and not granted) l on true
  where a.datname = current_database() and a.pid <> pg_backend_pid()
    and (a.wait_event_type = 'Lock' and cardinality(pg_blocking_pids(a.pid)) > 0 or a.wait_event = 'SyncRep')
  order by "ageMs" desc`;

/** A session that waits for a lock (of a table, of a row, or advisory) with the holders, or that waits for a standby. */
export type BlockedRow = {
  pid: number;
  application: string;
  ageMs: number;
  isAdvisory: boolean;
  isStandby: boolean;
  blockers: string | null;
};

export async function listBlocked(db: Database, signal: AbortSignal): Promise<readonly BlockedRow[]> {
  return readRows(db, signal, BLOCKED);
}

const TRANSACTIONS = `
  select pid, application_name as application, state like 'idle in transaction%' as "isIdle",
         ${ageMs("case when state like 'idle%' then state_change else xact_start end")} as "ageMs"
  from pg_stat_activity
  where datname = current_database() and backend_type = 'client backend' and xact_start is not null and pid <> pg_backend_pid()
  union all
  select 0, format('prepared transaction %s', gid), true, ${ageMs("prepared")}
  from pg_prepared_xacts where database = current_database()
  order by "ageMs" desc`;

/** An open transaction. If idle, the age counts from its last statement. A prepared transaction is idle and has pid 0. */
export type TransactionRow = { pid: number; application: string; isIdle: boolean; ageMs: number };

export async function listTransactions(
  db: Database,
  signal: AbortSignal,
): Promise<readonly TransactionRow[]> {
  return readRows(db, signal, TRANSACTIONS);
}

/** Fast-path locks take no slot of the shared table. Without special rights, sessions of other roles show no type. */
const LOADS = `
  select (select count(*) from pg_locks where not fastpath)::int as locks,
         current_setting('max_locks_per_transaction')::int as "locksEach",
         current_setting('max_locks_per_transaction')::int
           * (current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int) as slots,
         (select count(*) from pg_stat_activity
          where datid is not null and coalesce(backend_type, 'client backend') = 'client backend')::int as connections,
         current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
           - coalesce(current_setting('reserved_connections', true), '0')::int as most`;

/** The use of the server's lock table and of its connections. All databases share both. */
export type LoadRow = {
  locks: number;
  locksEach: number;
  slots: number;
  connections: number;
  /** The number of connections that a role without special rights may use. */
  most: number;
};

export async function readLoads(db: Database, signal: AbortSignal): Promise<LoadRow> {
  return readRow(db, signal, LOADS);
}

const ACQUIRE = `select r3a_util.acquire_lock('doctor', 'probe') as done`;
const RELEASE = `select r3a_util.release_lock('doctor', 'probe') as done`;

/** The answers of the lock functions in one session. The functions of the old system answer nothing, which counts as no. */
export type LockProbe = { readonly acquired: boolean; readonly released: boolean };

/** Takes and releases a lock that nothing else uses, in a session of its own, as a person does in psql. */
export async function probeLock(db: Database, signal: AbortSignal): Promise<LockProbe> {
  const session = openClient(db);
  const end = () => session.end().catch(() => {});
  signal.addEventListener("abort", end, { once: true });
  const ask = async (text: string) =>
    (await session.query<{ done: boolean | string }>(text)).rows[0]?.done === true;
  try {
    await session.connect();
    const acquired = await ask(ACQUIRE);
    return { acquired, released: acquired && (await ask(RELEASE)) };
  } catch (error) {
    throw translate(error);
  } finally {
    signal.removeEventListener("abort", end);
    await end();
  }
}
