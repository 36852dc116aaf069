import { createUnicodeDatabase } from "./remedy-sql.ts";

/** Codes of PostgreSQL's errors that more than one place needs; see appendix A of its manual. */
export const LOCK_NOT_AVAILABLE = "55P03";
export const DEADLOCK = "40P01";
export const SERIALIZATION_FAILURE = "40001";
/** The statement was cancelled, also by statement_timeout. */
export const QUERY_CANCELED = "57014";
export const INVALID_SCHEMA = "3F000";
export const UNDEFINED_TABLE = "42P01";
export const UNDEFINED_COLUMN = "42703";
export const INSUFFICIENT_PRIVILEGE = "42501";
export const UNDEFINED_FUNCTION = "42883";
export const TRANSACTION_TIMEOUT = "25P04";
export const IDLE_SESSION_TIMEOUT = "57P05";
/** The class of the server's own faults. */
export const DAMAGE_CLASS = "XX";
export const UNIQUE_VIOLATION = "23505";
/** The object exists already, a role for instance. */
export const DUPLICATE_OBJECT = "42710";
/** The guard of a sealed leaf refused a write: r3a_util.refuse_sealed in the migration 000018_sealed_leaves. */
export const SEALED = "R3A01";
/** A file of the database is not there. */
export const UNDEFINED_FILE = "58P01";
/** The code for errors that have no other code. */
export const INTERNAL_ERROR = "XX000";

/**
 * What an error of the server means for a run. `away`: no statement got through; try again later (75). `later`: the
 * server refused this statement for now (75). `settings`: no retry can help before a person acts (78). `damage`: stored
 * data cannot be read (1, and nothing is tried again automatically). Every other error concerns only its own statement
 * (1).
 */
export type Meaning = {
  readonly kind: "away" | "later" | "settings" | "damage";
  /** What happened and what to do next; the server's own words follow. */
  readonly says: string;
  /** What to do, where the server's own words must come first. */
  readonly remedy?: string;
  /** Every other statement of the run would meet the same error, so the run ends at once. */
  readonly isForAll?: true;
};

const AWAY: Meaning = {
  kind: "away",
  says: "the database cannot be reached (DB_URL); is it running, and does the network let this program through?",
};
const REFUSED: Meaning = { kind: "settings", says: "DB_URL is refused by the database", isForAll: true };
const FOREIGN: Meaning = {
  kind: "settings",
  says: "the schemas r3a and r3a_util are not what this program made: run migrate; where the schema is complete, another program has a table with a name of R3A (doctor says more)",
};
const ENCODING: Meaning = {
  kind: "settings",
  says: `the database cannot hold a text of this program: it needs the encoding UTF8 (${createUnicodeDatabase("r3a_utf8")}, and let DB_URL name that one)`,
};
const MEMORY: Meaning = {
  kind: "later",
  says: "the database server has no memory left for this statement: look at its memory, work_mem and max_locks_per_transaction",
};
/** This is also the meaning of a clash in the catalog (fault.ts), which has no code of its own. */
export const BUSY: Meaning = {
  kind: "later",
  says: "another session was at the same rows each time that this run tried; the next run tries again",
};
const DAMAGE: Meaning = {
  kind: "damage",
  says: "stored data is damaged, and no retry mends it: look at the disk and the server's log, then restore what is named here",
};

/** By SQLSTATE; two characters stand for their whole class. */
export const MEANINGS: Readonly<Record<string, Meaning>> = {
  "08": AWAY,
  "22021": ENCODING, // character_not_in_repertoire
  "22P05": ENCODING, // untranslatable_character
  "25006": {
    kind: "later",
    says: "the database takes no writes: it is a standby (let DB_URL lead to the primary; after a failover the next run finds it), or default_transaction_read_only is on (a full disk may be why; doctor names the statement that resets it)",
    isForAll: true,
  },
  "25P03": {
    kind: "away",
    says: "the server ended the transaction of this program, since it was idle for a minute: this machine slept, or has too much to do",
  },
  [TRANSACTION_TIMEOUT]: {
    kind: "later",
    says: "the server ended the transaction of this program, since it took longer than its transaction_timeout",
  },
  "28": REFUSED, // invalid password, no such role, no right to connect
  "3D000": REFUSED, // no such database
  [INVALID_SCHEMA]: FOREIGN,
  [SERIALIZATION_FAILURE]: BUSY,
  [DEADLOCK]: BUSY,
  [INSUFFICIENT_PRIVILEGE]: {
    kind: "settings",
    says: "the role of DB_URL has no right to this: grant it what its command needs (docs/database.md has the roles as SQL), or let DB_URL name another role",
  },
  [UNDEFINED_COLUMN]: FOREIGN,
  "42704": FOREIGN, // no such type or other object
  "42804": FOREIGN, // a column of another type
  "42P10": {
    kind: "settings", // `on conflict` found no key
    says: "a table lacks a key that this program needs: run maint, which builds the keys of the candle tables (health --only integrity names each other key, with its statement)",
  },
  "42809": FOREIGN, // a view or sequence where a table should be
  [UNDEFINED_FUNCTION]: FOREIGN,
  [UNDEFINED_TABLE]: FOREIGN,
  "53": MEMORY, // insufficient_resources
  "53100": {
    kind: "later",
    says: "the disk of the database server is full: make room (health --only size says how large the database is), then the next run goes on where this one ended",
  },
  "53200": MEMORY,
  "53400": {
    kind: "settings",
    says: "a limit of the server is too low for this statement: raise it for the role or the database (alter role NAME set temp_file_limit = '10GB')",
  },
  "53300": {
    kind: "away",
    says: "the database server has no connection left: raise its max_connections, or end sessions that nobody needs",
  },
  "55006": { kind: "later", says: "an object is in use by another session; the next run tries again" },
  [LOCK_NOT_AVAILABLE]: {
    kind: "later",
    says: "a lock that another session holds could not be had in time",
    isForAll: true,
  },
  [QUERY_CANCELED]: {
    kind: "later",
    says: "somebody cancelled a statement of this run (pg_cancel_backend, or a standby that replays); the next run does it again",
  },
  "57P01": AWAY, // admin_shutdown, pg_terminate_backend
  "57P02": AWAY, // crash_shutdown
  "57P03": {
    kind: "away",
    says: "the database server lets nobody in at this moment: it starts, stops or recovers, and its own log says how far it is",
  },
  "57P04": REFUSED, // database_dropped
  [IDLE_SESSION_TIMEOUT]: AWAY, // idle_session_timeout
  "58030": DAMAGE, // io_error
  [UNDEFINED_FILE]: DAMAGE,
  XX001: DAMAGE, // data_corrupted
  XX002: DAMAGE, // index_corrupted
};

/** The meaning of a code; null where the code concerns only its own statement. */
export function meaningOf(sqlstate: string): Meaning | null {
  if (!/^[0-9A-Z]{5}$/.test(sqlstate)) return null;
  return MEANINGS[sqlstate] ?? MEANINGS[sqlstate.slice(0, 2)] ?? null;
}
