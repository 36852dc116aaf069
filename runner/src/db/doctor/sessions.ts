import { type Database, openClient } from "../connect.ts";
import { translate } from "../fault.ts";
import { withReader } from "./reader.ts";

const SINCE = (start: string) => `(extract(epoch from clock_timestamp() - ${start}) * 1000)::float8`;

const HOLDERS = `
  select scope, key, pid, coalesce(application_name, '') as application, ${SINCE("backend_start")} as age_ms
  from r3a_util.lock_holder where granted order by scope, key, pid`;

/** A lock that a session holds. `age_ms`: the age of the session's connection. */
export type HolderRow = { scope: string; key: string; pid: number; application: string; age_ms: number };

export async function listHolders(db: Database, signal: AbortSignal): Promise<readonly HolderRow[]> {
  return withReader(db, signal, async (client) => (await client.query<HolderRow>(HOLDERS)).rows);
}

const BLOCKED = `
  select a.pid, a.application_name as application, ${SINCE("coalesce(l.since, a.query_start)")} as age_ms,
         coalesce(a.wait_event_type = 'Lock' and a.wait_event = 'advisory', false) as is_advisory,
         a.wait_event = 'SyncRep' as is_standby,
         (select string_agg(format('%s %s, %s', b.pid, coalesce(nullif(b.application_name, ''), '(no name)'), b.state), ' and ')
          from pg_stat_activity b where b.pid = any(pg_blocking_pids(a.pid))) as blockers
  from pg_stat_activity a
  left join lateral (select min(waitstart) as since from pg_locks where pid = a.pid and not granted) l on true
  where a.datname = current_database() and a.pid <> pg_backend_pid()
    and (a.wait_event_type = 'Lock' and cardinality(pg_blocking_pids(a.pid)) > 0 or a.wait_event = 'SyncRep')
  order by age_ms desc`;

/** A session that waits for a lock (of a table, of a row, or advisory) with the holders, or that waits for a standby. */
export type BlockedRow = {
  pid: number;
  application: string;
  age_ms: number;
  is_advisory: boolean;
  is_standby: boolean;
  blockers: string | null;
};

export async function listBlocked(db: Database, signal: AbortSignal): Promise<readonly BlockedRow[]> {
  return withReader(db, signal, async (client) => (await client.query<BlockedRow>(BLOCKED)).rows);
}

const TRANSACTIONS = `
  select pid, application_name as application, state like 'idle in transaction%' as is_idle,
         ${SINCE("case when state like 'idle%' then state_change else xact_start end")} as age_ms
  from pg_stat_activity
  where datname = current_database() and backend_type = 'client backend' and xact_start is not null and pid <> pg_backend_pid()
  union all
  select 0, format('prepared transaction %s', gid), true, ${SINCE("prepared")}
  from pg_prepared_xacts where database = current_database()
  order by age_ms desc`;

/** An open transaction. If idle, the age counts from its last statement. A prepared transaction is idle and has pid 0. */
export type TransactionRow = { pid: number; application: string; is_idle: boolean; age_ms: number };

export async function listTransactions(
  db: Database,
  signal: AbortSignal,
): Promise<readonly TransactionRow[]> {
  return withReader(db, signal, async (client) => (await client.query<TransactionRow>(TRANSACTIONS)).rows);
}

/** Fast-path locks take no slot of the shared table. Without special rights, sessions of other roles show no type. */
const LOADS = `
  select (select count(*) from pg_locks where not fastpath)::int as locks,
         current_setting('max_locks_per_transaction')::int as locks_each,
         current_setting('max_locks_per_transaction')::int
           * (current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int) as slots,
         (select count(*) from pg_stat_activity
          where datid is not null and coalesce(backend_type, 'client backend') = 'client backend')::int as connections,
         current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
           - coalesce(current_setting('reserved_connections', true), '0')::int as most`;

/** The use of the server's lock table and of its connections. All databases share both. */
export type LoadRow = {
  locks: number;
  locks_each: number;
  slots: number;
  connections: number;
  /** The number of connections that a role without special rights may use. */
  most: number;
};

export async function readLoads(db: Database, signal: AbortSignal): Promise<LoadRow> {
  return withReader(db, signal, async (client) => {
    const { rows } = await client.query<LoadRow>(LOADS);
    const [row] = rows;
    if (row === undefined) throw new Error("the server says nothing of its locks");
    return row;
  });
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
