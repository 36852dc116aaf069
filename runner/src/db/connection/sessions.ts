import type pg from "pg";
import { sleep } from "../../sleep.ts";

/** The connection to ask on, as `own` of db/session.ts gives it. */
type Asked = {
  query<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>;
};

/** A session that stands in the way. `ageS` is the age of its transaction, null where the role of DB_URL may not see it. */
export type Session = {
  readonly pid: number;
  readonly application: string;
  readonly state: string;
  readonly ageS: number | null;
};

/** Without pg_read_all_stats the server shows hardly more of the sessions of other roles than their names. */
const HIDDEN = "of an age that the role of DB_URL may not see (grant pg_read_all_stats to it)";

const SESSION = `a.pid, a.application_name as application, coalesce(a.state, a.backend_type, '${HIDDEN}') as state,
  extract(epoch from clock_timestamp() - a.xact_start)::float8 as "ageS"`;

/** A prepared transaction holds its locks without any session; it is shown with the pid 0. */
const OLD_TRANSACTIONS = `
  select ${SESSION} from pg_stat_activity a
  where a.datname = current_database() and a.pid <> pg_backend_pid() and a.backend_type = 'client backend'
    and a.xact_start < clock_timestamp() - make_interval(secs => $1)
  union all
  select 0, p.gid, 'prepared transaction', extract(epoch from clock_timestamp() - p.prepared)::float8
  from pg_prepared_xacts p where p.database = current_database() and p.prepared < clock_timestamp() - make_interval(secs => $1)
  order by 4 desc`;

/**
 * Without pg_read_all_stats the server shows neither state nor age of the sessions of other roles, but it shows that
 * they hold a virtual transaction. A session that holds the same one a while later is not one that ends by itself.
 */
const HIDDEN_TRANSACTIONS = `
  select a.pid, a.application_name as application, l.virtualtransaction as transaction
  from pg_stat_activity a join pg_locks l on l.pid = a.pid and l.locktype = 'virtualxid' and l.granted
  where a.datname = current_database() and a.pid <> pg_backend_pid() and a.state is null and a.backend_type is null
    and a.usesysid is not null -- autovacuum has none, and ends by itself`;
type HiddenRow = { pid: number; application: string; transaction: string };
/** The transactions of a job take less time than this. */
const SECOND_LOOK_MS = 3_000;

/** $2: modes of locks that do not count: none, or those of readers and writers. */
const HOLDERS = `
  select ${SESSION} from pg_stat_activity a
  where a.pid <> pg_backend_pid() and a.pid in (
    select pid from pg_locks where granted and locktype = 'relation' and relation = any ($1::regclass[]) and mode <> all ($2::text[])
      and database = (select oid from pg_database where datname = current_database()))
  order by 4 desc nulls last`;
const OF_ROWS = ["AccessShareLock", "RowShareLock", "RowExclusiveLock"];

const BLOCKERS = `
  select ${SESSION} from pg_stat_activity a where a.pid = any (pg_blocking_pids($1)) order by 4 desc nulls last`;

/**
 * Transactions of this database older than `ageS` seconds, and those whose age the role of DB_URL may not see and that exist for
 * 3 s at least: a concurrent build would wait for each of them.
 */
export async function listOldTransactions(
  client: Asked,
  ageS: number,
  signal: AbortSignal,
): Promise<readonly Session[]> {
  const old = await client.query<Session>(OLD_TRANSACTIONS, [ageS]);
  const first = await client.query<HiddenRow>(HIDDEN_TRANSACTIONS);
  if (first.length === 0) return old;
  await sleep(SECOND_LOOK_MS, signal);
  const known = new Set(first.map(({ transaction }) => transaction));
  const again = await client.query<HiddenRow>(HIDDEN_TRANSACTIONS);
  const hidden = again
    .filter(({ transaction }) => known.has(transaction))
    .map(({ pid, application }) => ({
      pid,
      application,
      state: HIDDEN,
      ageS: null,
    }));
  return [...old, ...hidden];
}

/** Sessions that hold any lock on one of the tables. */
export async function listTableHolders(
  client: Asked,
  tables: readonly string[],
): Promise<readonly Session[]> {
  return client.query<Session>(HOLDERS, [tables, []]);
}

/** Sessions that hold a lock which keeps a build or an attach out: another build, also a plain one, or a vacuum. */
export async function listBuilders(client: Asked, tables: readonly string[]): Promise<readonly Session[]> {
  return client.query<Session>(HOLDERS, [tables, OF_ROWS]);
}

/** Sessions that the server's process `pid` waits for at this moment. */
export async function listBlockers(
  client: Pick<pg.ClientBase, "query">,
  pid: number,
): Promise<readonly Session[]> {
  return (await client.query<Session>(BLOCKERS, [pid])).rows;
}

/** `pid 4711 (psql), idle in transaction, for 431 s`, joined. */
export function renderSessions(sessions: readonly Session[]): string {
  return sessions
    .map(
      ({ pid, application, state, ageS }) =>
        `pid ${pid} (${application}), ${state}${ageS === null ? "" : `, for ${Math.round(ageS)} s`}`,
    )
    .join("; ");
}
