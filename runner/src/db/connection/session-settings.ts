import pg from "pg";
import { SettingsFault } from "../../errors.ts";
import { IDLE_SESSION_TIMEOUT, QUERY_CANCELED, TRANSACTION_TIMEOUT } from "../sqlstate.ts";

/** How long a statement waits for a lock unless its own transaction says otherwise; then it ends with 55P03. */
export const LOCK_WAIT_MS = 5_000;
/** A statement has no limit of its own: a page on a busy disk, an audit and a build take what they take (see watch.ts). */
export const STATEMENT_LIMIT_MS = 0;

/**
 * What the code needs of a session, each with its reason. A database, a role, PGOPTIONS or `?options=` in DB_URL may say
 * otherwise; it is set by a statement after the login, since pgbouncer refuses the startup parameter `options`. Left
 * alone on purpose: default_transaction_read_only (tells a brake of the team's, exit 75), session_replication_role (needs
 * a superuser), row_security, synchronous_commit, jit and what only makes plans (a choice of the team's).
 */
const NEEDED = [
  // whoever may create a function in another schema of the path would run code as us: an overload can be a better match
  ["search_path", "pg_catalog, pg_temp"],
  // what is read after waiting for a lock must be what its last holder left
  ["default_transaction_isolation", "read committed"],
  // bounds of leaves, dates and intervals are read as text, by the driver and by our own SQL
  ["TimeZone", "UTC"],
  ["DateStyle", "ISO, YMD"],
  ["IntervalStyle", "postgres"],
  // candles and names are UTF-8 on our side
  ["client_encoding", "UTF8"],
  // plain literals in our SQL have backslashes
  ["standard_conforming_strings", "on"],
  // the driver takes bytea in this form alone
  ["bytea_output", "hex"],
  // times in ms have 16 digits, and a float with 15 is another one
  ["extra_float_digits", "1"],
  // names that come back as text are compared with ours
  ["quote_all_identifiers", "off"],
  // "x = null" is never true, and null in an array is no text
  ["transform_null_equals", "off"],
  ["array_nulls", "on"],
  // a statement that fails is often asked again in another way
  ["exit_on_error", "off"],
  // VACUUM and ANALYZE say by a warning alone what they left out
  ["client_min_messages", "warning"],
  // a generic plan locks every leaf, and without pruning each statement does
  ["plan_cache_mode", "auto"],
  ["enable_partition_pruning", "on"],
  // a forgotten transaction of somebody else must not hold a job until its deadline, nor one of ours anybody else
  ["lock_timeout", `${LOCK_WAIT_MS / 1000}s`],
  ["idle_in_transaction_session_timeout", "1min"],
  // limits for people's statements and sessions; the session that holds our locks is idle for long
  ["statement_timeout", String(STATEMENT_LIMIT_MS)],
  ["idle_session_timeout", "0"],
] as const;

/** Where the server has them: 17 and newer. */
const NEEDED_SINCE_17 = [["transaction_timeout", "0"]] as const;

/**
 * The server lets go of the locks of a client that vanished within a minute, and stops what such a client was running,
 * instead of after the system's two hours. Not read back: over a unix socket each of them but the last stays 0.
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
 * One statement, one row: each setting with the value that it has now, the server's process, the role, and when the server
 * was started, which tells one server from another after a fail-over.
 */
export const SET_SESSION = `select pg_catalog.pg_backend_pid() as pid, current_user as role, extract(epoch from pg_catalog.pg_postmaster_start_time())::pg_catalog.text as server, ${[
  ...NEEDED.map(([name, value]) => setting(name, value) + as(name)),
  ...NEEDED_SINCE_17.map(
    ([name, value]) =>
      `case when pg_catalog.current_setting('${name}', true) is not null then ${setting(name, value)} end${as(name)}`,
  ),
  ...KEEPALIVES.map(([name, value]) => setting(name, value) + as(name)),
].join(", ")}`;

/** `pid` is the server's process, `role` whom the session works as, `server` the start of the server as text. */
export type Session = { readonly pid: number; readonly role: string; readonly server: string };
export type SessionRow = Session & Readonly<Record<string, string | number | null>>;

/** Limits that can end a session before SET_SESSION has set them, by the SQLSTATE that the server then ends it with. */
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

/** Throws SettingsFault with every setting that is not what it was set to. */
export function checkSession(row: SessionRow | undefined): Session {
  const expected = [...NEEDED, ...NEEDED_SINCE_17.filter(([name]) => row?.[name] != null)];
  const faults = expected
    .filter(([name, value]) => row?.[name] !== value)
    .map(
      ([name, value]) =>
        `DB_URL: the session's ${name} was set to ${JSON.stringify(value)} and is ${JSON.stringify(row?.[name] ?? null)}: a pooler between us and the server may drop settings; use one in session mode, or lead DB_URL to the server itself`,
    );
  if (row === undefined || faults.length > 0) throw new SettingsFault(faults);
  return { pid: row.pid, role: row.role, server: row.server };
}
