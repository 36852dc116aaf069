import pg from "pg";
import { SettingsFault } from "../../errors.ts";
import { IDLE_SESSION_TIMEOUT, QUERY_CANCELED, TRANSACTION_TIMEOUT } from "../sqlstate.ts";

/**
 * How long a statement waits for a lock, unless its transaction has a limit of its own; then the statement ends with
 * 55P03.
 */
export const LOCK_WAIT_MS = 5_000;
/**
 * A statement has no limit: a page on a busy disk, an audit and a build take the time that they need (see watch.ts).
 */
export const STATEMENT_LIMIT_MS = 0;

/**
 * The settings of a session that the code needs, each with its reason. A database, a role, PGOPTIONS or `?options=` in
 * DB_URL may set other values. They are set by a statement after the login, since pgbouncer refuses the startup
 * parameter `options`. Not set on purpose: default_transaction_read_only (the team uses it as a brake, exit 75),
 * session_replication_role (needs a superuser), row_security, synchronous_commit, jit and whatever only makes plans
 * (the choice of the team).
 */
const NEEDED = [
  // a person who may create functions in another schema of the path could run code with the rights of this program: an overload may be
  // the better match
  ["search_path", "pg_catalog, pg_temp"],
  // a read after waiting for a lock must see what the last holder of the lock left
  ["default_transaction_isolation", "read committed"],
  // the driver and the SQL of this program read bounds of leaves, dates and intervals as text
  ["TimeZone", "UTC"],
  ["DateStyle", "ISO, YMD"],
  ["IntervalStyle", "postgres"],
  // this program sends and reads candles and names as UTF-8
  ["client_encoding", "UTF8"],
  // plain literals in the SQL of this program have backslashes
  ["standard_conforming_strings", "on"],
  // the driver understands bytea only in this form
  ["bytea_output", "hex"],
  // times in ms have 16 digits, and a float with 15 digits is another number
  ["extra_float_digits", "1"],
  // names that the server gives as text are compared with the names in the code
  ["quote_all_identifiers", "off"],
  // "x = null" is never true, and null in an array is no text
  ["transform_null_equals", "off"],
  ["array_nulls", "on"],
  // after a statement that fails, the code often asks in another way
  ["exit_on_error", "off"],
  // VACUUM and ANALYZE say by a warning alone what they left out
  ["client_min_messages", "warning"],
  // a generic plan locks every leaf, and without pruning each statement does
  ["plan_cache_mode", "auto"],
  ["enable_partition_pruning", "on"],
  // a forgotten transaction of another session must not hold a job until its deadline, nor the other way round
  ["lock_timeout", `${LOCK_WAIT_MS / 1000}s`],
  ["idle_in_transaction_session_timeout", "1min"],
  // these limits are for statements and sessions of people; the session that holds the locks is idle for long
  ["statement_timeout", String(STATEMENT_LIMIT_MS)],
  ["idle_session_timeout", "0"],
] as const;

/** Where the server has them: 17 and newer. */
const NEEDED_SINCE_17 = [["transaction_timeout", "0"]] as const;

/**
 * With these settings the server frees the locks of a client that vanished within a minute, and stops its statements,
 * instead of after the two hours of the system. They are not read back: over a unix socket each of them but the last
 * stays 0.
 */
const KEEPALIVES = [
  ["tcp_keepalives_idle", "30"],
  ["tcp_keepalives_interval", "10"],
  ["tcp_keepalives_count", "3"],
  ["tcp_user_timeout", "60s"],
  ["client_connection_check_interval", "5s"],
] as const;

const setting = (name: string, value: string) =>
  `pg_catalog.set_config(${pg.escapeLiteral(name)}, ${pg.escapeLiteral(value)}, false)`;
const as = (name: string) => ` as ${pg.escapeIdentifier(name)}`;

/**
 * One statement that gives one row: the present value of each setting, the process of the server, the role, and the
 * start of the server, which tells one server from another after a fail-over.
 */
export const SET_SESSION = `select pg_catalog.pg_backend_pid() as pid, current_user as role, extract(epoch from pg_catalog.pg_postmaster_start_time())::pg_catalog.text as server, ${[
  ...NEEDED.map(([name, value]) => setting(name, value) + as(name)),
  ...NEEDED_SINCE_17.map(
    ([name, value]) =>
      `case when pg_catalog.current_setting('${name}', true) is not null then ${setting(name, value)} end${as(name)}`,
  ),
  ...KEEPALIVES.map(([name, value]) => setting(name, value) + as(name)),
].join(", ")}`;

/** `pid` is the process of the server, `role` the role of the session, `server` the start of the server as text. */
export type Session = { readonly pid: number; readonly role: string; readonly server: string };
export type SessionRow = Session & Readonly<Record<string, string | number | null>>;

/** Limits that can end a session before SET_SESSION has set them, by the SQLSTATE of the error. */
const LIMITS: Readonly<Record<string, string>> = {
  [QUERY_CANCELED]: "statement_timeout",
  [TRANSACTION_TIMEOUT]: "transaction_timeout",
  [IDLE_SESSION_TIMEOUT]: "idle_session_timeout",
};

/** Null where SET_SESSION failed for another reason; `code` is an SQLSTATE. */
export function faultOfLimit(code: string | null): SettingsFault | null {
  const name = LIMITS[code ?? ""];
  if (name === undefined) return null;
  return new SettingsFault([
    `DB_URL: ${name} of the server, the database or the role is so short that the server ended the session before its settings could be made: reset it there (alter role NAME reset ${name}; select * from pg_db_role_setting shows who has it)`,
  ]);
}

/** Throws SettingsFault with every setting that has another value than the one it was set to. */
export function checkSession(row: SessionRow | undefined): Session {
  const expected = [...NEEDED, ...NEEDED_SINCE_17.filter(([name]) => row?.[name] != null)];
  const faults = expected
    .filter(([name, value]) => row?.[name] !== value)
    .map(
      ([name, value]) =>
        `DB_URL: the session's ${name} was set to ${JSON.stringify(value)} and is ${JSON.stringify(row?.[name] ?? null)}: a pooler between this program and the server may drop settings; use one in session mode, or lead DB_URL to the server itself`,
    );
  if (row === undefined || faults.length > 0) throw new SettingsFault(faults);
  return { pid: row.pid, role: row.role, server: row.server };
}
