import type { Database } from "../db/connect.ts";
import {
  type BlockedRow,
  type HeldLockRow,
  type LoadRow,
  type LockProbe,
  listBlocked,
  listHeldLocks,
  listTransactions,
  probeLock,
  readLoads,
  type TransactionRow,
} from "../db/doctor/sessions.ts";
import { commandLine } from "../program-name.ts";
import { renderNumber } from "../render.ts";
import { HOUR_MS, MINUTE_MS, renderDuration } from "../time.ts";
import { byLimit, type Check, type Finding, fail, listSome, pass, warn } from "./check.ts";
import type { OnSchema } from "./schema-lack.ts";

/** No job of this suite runs longer. A backfill by hand may. */
const LOCK_MS = 6 * HOUR_MS;
/** The lock scopes of jobs. While another session holds such a lock, the job ends with 0 and does nothing. */
const JOB_SCOPES = ["maint", "refresh-lastts", "vacuum", "universe"];
/** Statements of this program that change tables give up after 2 s. */
const BLOCKED_MS = { warn: 1_000, fail: 10_000 };
/** A job commits each page within seconds. */
const IDLE_MS = { warn: MINUTE_MS, fail: 10 * MINUTE_MS };
/** The longest statements of this program build indexes, or count the rows of a move. */
const ACTIVE_MS = { warn: HOUR_MS, fail: 6 * HOUR_MS };
const LOCK_SLOTS = { warn: 0.5, fail: 0.8 };
const CONNECTIONS = { warn: 0.7, fail: 0.9 };

/** The checks of sessions: locks, waits, open transactions, connections. */
export function sessionChecks(db: Database, onSchema: OnSchema): readonly Check[] {
  const needs = ["database"];
  return [
    onSchema("locks", async (signal) => judgeHeldLocks(await listHeldLocks(db, signal))),
    onSchema("lock-probe", async (signal) => judgeProbe(await probeLock(db, signal))),
    { name: "blocked", needs, look: async (signal) => judgeBlocked(await listBlocked(db, signal)) },
    {
      name: "transactions",
      needs,
      look: async (signal) => judgeTransactions(await listTransactions(db, signal)),
    },
    { name: "lock-slots", needs, look: async (signal) => judgeLockSlots(await readLoads(db, signal)) },
    { name: "connections", needs, look: async (signal) => judgeConnections(await readLoads(db, signal)) },
  ];
}

const END = "select pg_terminate_backend(PID)";
const whoOf = ({ pid, application }: { readonly pid: number; readonly application: string }) =>
  pid === 0 ? application : `${application || "(no name)"} (pid ${pid})`;

export function judgeHeldLocks(rows: readonly HeldLockRow[]): Finding {
  if (rows.length === 0) return pass("no session holds a lock");
  const tell = (row: HeldLockRow) =>
    `${row.scope}:${row.key} by ${whoOf(row)}, connected ${renderDuration(row.ageMs)}`;
  const odd = rows.filter(({ application, ageMs }) => !application.startsWith("r3a ") || ageMs >= LOCK_MS);
  if (odd.length === 0) return pass(`${renderNumber(rows.length)} held: ${listSome(rows.map(tell))}`);
  const found = `${renderNumber(odd.length)} held by hand, or for very long: ${listSome(odd.map(tell))}; jobs leave out what these locks cover`;
  const remedy = `release it where it was taken (r3a_util.release_lock), or end its session: ${END}`;
  const keepsOut = ({ scope, ageMs }: HeldLockRow) => JOB_SCOPES.includes(scope) && ageMs >= LOCK_MS;
  return odd.some(keepsOut) ? fail(found, remedy) : warn(found, remedy);
}

function judgeProbe({ acquired, released }: LockProbe): Finding {
  if (acquired && released) return pass("a lock was taken and released in one session");
  const remedy = `${commandLine("migrate")} puts the functions of this release there; DB_URL must lead to one session (check pooler)`;
  if (acquired)
    return fail("r3a_util.release_lock says that this session does not hold what it has just taken", remedy);
  return fail("r3a_util.acquire_lock refuses ('doctor', 'probe'), which no job takes", remedy);
}

export function judgeBlocked(rows: readonly BlockedRow[]): Finding {
  const [longest] = rows;
  if (longest === undefined) return pass("nobody waits for a lock or for a standby");
  const what = ({ isStandby, isAdvisory, blockers }: BlockedRow) =>
    isStandby
      ? "a standby to confirm its commit"
      : `${isAdvisory ? "an advisory lock" : "a lock"} of ${blockers ?? "somebody who is gone"}`;
  const waits = rows.map((row) => `${whoOf(row)} waits ${renderDuration(row.ageMs)} for ${what(row)}`);
  const remedy = longest.isStandby
    ? "start the standby that synchronous_standby_names waits for, or take it out of that setting and reload"
    : `let the first one in the row finish, or end it: ${END}`;
  return byLimit(longest.ageMs, BLOCKED_MS, listSome(waits), remedy);
}

export function judgeTransactions(rows: readonly TransactionRow[]): Finding {
  const limitsOf = ({ isIdle }: TransactionRow) => (isIdle ? IDLE_MS : ACTIVE_MS);
  const old = rows.filter((row) => row.ageMs >= limitsOf(row).warn);
  if (old.length === 0) return pass(`${renderNumber(rows.length)} open, none for long`);
  const ages = old.map(
    (row) =>
      `${whoOf(row)} ${row.isIdle ? "idle in transaction" : "at work"} for ${renderDuration(row.ageMs)}`,
  );
  const found = `${listSome(ages)}: an open transaction keeps its locks, and vacuum cannot remove old rows`;
  const remedy = `commit or roll back where it was begun, or end it: ${END} (a prepared one: rollback prepared 'NAME')`;
  return old.some((row) => row.ageMs >= limitsOf(row).fail) ? fail(found, remedy) : warn(found, remedy);
}

export function judgeLockSlots({ locks, locksEach, slots }: LoadRow): Finding {
  return byLimit(
    locks / slots,
    LOCK_SLOTS,
    `${renderNumber(locks)} of about ${renderNumber(slots)} slots of the lock table are in use (${Math.round((100 * locks) / slots)} %)`,
    `find who: select pid, count(*) from pg_locks group by 1 order by 2 desc; or raise max_locks_per_transaction (${locksEach}) and restart the server`,
  );
}

export function judgeConnections({ connections, most }: LoadRow): Finding {
  return byLimit(
    connections / most,
    CONNECTIONS,
    `${renderNumber(connections)} of ${renderNumber(most)} connections are in use`,
    "find who: select application_name, state, count(*) from pg_stat_activity group by 1, 2; or raise max_connections",
  );
}
