import pg from "pg";
import { messageOf, SettingsFault, Stopped, TryAgain } from "../errors.ts";
import { meaningOfLogin } from "./connection/login.ts";
import {
  BUSY,
  INSUFFICIENT_PRIVILEGE,
  INTERNAL_ERROR,
  type Meaning,
  meaningOf,
  UNIQUE_VIOLATION,
} from "./sqlstate.ts";

const SOCKET_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
]);
/**
 * The driver has no code for these: the socket went away, or what came over it is no answer of PostgreSQL (another
 * program listens there, or something on the way changes bytes).
 */
const CONNECTION_MESSAGES =
  /^(Connection terminated|timeout expired|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|received invalid response|Received unexpected \w+ message|Query read timeout|There was an error establishing an SSL connection)/i;

/** SQLSTATE or socket code of an error, also of one that `translate` made. */
export function codeOf(error: unknown): string | null {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
}

/** Whether the server is away (as opposed to a statement that it refused), by SQLSTATE or socket code. */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // the socket's file is not there, or not ours
  if ("syscall" in error && error.syscall === "connect") return true;
  const code = codeOf(error);
  if (code !== null) return SOCKET_CODES.has(code) || meaningOf(code)?.kind === "away";
  if (error instanceof AggregateError) return error.errors.some(isConnectionError);
  return CONNECTION_MESSAGES.test(error.message);
}

/**
 * Whether another session changed the same row of a catalog at the same moment, as two that make or grant one role do. Our
 * advisory locks cannot keep them apart: each holds in one database, and roles belong to all databases of a server. The
 * server refuses the second statement when the first one commits; done again, it succeeds. The server does not translate
 * these words into other languages.
 */
export function isCatalogClash(error: unknown): boolean {
  const told = error instanceof Error && error.cause instanceof pg.DatabaseError ? error.cause : error;
  if (!(told instanceof pg.DatabaseError)) return false;
  if (told.code === UNIQUE_VIOLATION) return told.schema === "pg_catalog";
  return told.code === INTERNAL_ERROR && /^tuple concurrently (updated|deleted)/.test(told.message);
}

/** Errors that a login ended with, by `markLogin`. */
const logins = new WeakSet<Error>();

/** Notes that a login ended with this error: some codes of the server mean something else then (login.ts). */
export function markLogin<E>(error: E): E {
  if (error instanceof Error) logins.add(error);
  return error;
}

function meaningOfError(error: unknown): Meaning | null {
  const told = error instanceof Error && error.cause instanceof pg.DatabaseError ? error.cause : error;
  const ofLogin = told instanceof Error && logins.has(told) ? meaningOfLogin(told) : null;
  return ofLogin ?? (isCatalogClash(error) ? BUSY : meaningOf(codeOf(error) ?? ""));
}

/** What the server's code means (sqlstate.ts), also of an error that `translate` made; null where it says nothing. */
export function kindOf(error: unknown): Meaning["kind"] | null {
  return meaningOfError(error)?.kind ?? null;
}

/**
 * Whether the server refused one statement, while others may work: no room, no right, no memory. Not where it is away,
 * takes no writes at all, or somebody holds what all wait for.
 */
export function isRefusal(error: unknown): boolean {
  const meaning = meaningOfError(error);
  return meaning !== null && meaning.kind !== "away" && meaning.isForAll !== true;
}

/** Whether each other piece of a run would meet the same: not where one statement is refused (`isRefusal`). */
export function isGeneral(error: unknown): boolean {
  return (error instanceof TryAgain || error instanceof SettingsFault) && !isRefusal(error);
}

/** Noticed by the driver: no password where one is asked for, and sslmode where the server has no TLS. */
const REFUSED_BY_DRIVER = /^(SASL: |The server does not support SSL connections)/;
const NO_PASSWORD = /^SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be/;
/** By pgbouncer, of `?options=` in DB_URL; we send none. */
const REFUSED_PARAMETER = /unsupported startup parameter/;

/** Why a login failed, in words that say which part of DB_URL it was. */
export function reasonOfLogin(error: unknown): string {
  const message = messageOf(error);
  return NO_PASSWORD.test(message) ? `it asks for a password, and DB_URL has none (${message})` : message;
}

/**
 * An error as what it means for the run (sqlstate.ts): TryAgain, SettingsFault, or an Error that says what to do; the
 * driver's own is its cause. Anything without such a meaning comes out unchanged. `role` is whom the session works as.
 * The words never hold the URL.
 */
export function translate(error: unknown, role?: string): unknown {
  if (error instanceof TryAgain || error instanceof Stopped || error instanceof SettingsFault) return error;
  if (error instanceof Error && translated.has(error)) return error;
  const message = messageOf(error);
  const code = codeOf(error);
  if (REFUSED_PARAMETER.test(message))
    return new SettingsFault([
      `DB_URL is refused by the pooler that it leads to: take ?options= out of it, or let pgbouncer have ignore_startup_parameters = options (${message})`,
    ]);
  if (code === null && REFUSED_BY_DRIVER.test(message))
    return new SettingsFault([`DB_URL is refused by the database: ${reasonOfLogin(error)}`]);
  const meaning = meaningOfError(error);
  if (meaning !== null) return asError(meaning, error, role);
  if (!isConnectionError(error)) return error;
  return asError({ kind: "away", says: AWAY_SAYS }, error);
}

const AWAY_SAYS = meaningOf("08006")?.says ?? "";

/** A transaction inside another piece of work hands its error through two places. */
const translated = new WeakSet<Error>();

function asError(meaning: Meaning, cause: unknown, role?: string): Error {
  const error = errorOf(meaning, cause, role);
  translated.add(error);
  const code = codeOf(cause);
  return code === null ? error : Object.assign(error, { code });
}

function errorOf({ kind, says, remedy }: Meaning, cause: unknown, role?: string): Error {
  if (kind === "settings") {
    const grant = codeOf(cause) === INSUFFICIENT_PRIVILEGE ? grantOf(messageOf(cause), role) : "";
    return Object.assign(
      new SettingsFault([
        `${says}: ${describeServer(cause)}${grant}${remedy === undefined ? "" : `; ${remedy}`}`,
      ]),
      {
        cause,
      },
    );
  }
  if (kind === "damage") return new Error(`${says} (${describeServer(cause)})`, { cause });
  const detail = cause instanceof pg.DatabaseError && cause.detail !== undefined ? ` (${cause.detail})` : "";
  return new TryAgain(`${says}${detail}`, { cause });
}

/** What a role needs of each kind of object; docs/database.md has the whole. */
const RIGHTS: Readonly<Record<string, string>> = {
  table: "select, insert, update, delete",
  view: "select",
  sequence: "usage, select",
  schema: "usage (who makes leaves also create)",
  function: "execute",
  database: "connect",
};

/** Which grant is missing, where the server names its object: `permission denied for table ohlcv_gap_log`. */
function grantOf(message: string, role = "the role of DB_URL"): string {
  const [, kind = "", name = ""] = /^permission denied for (\w+) (.+)$/.exec(message) ?? [];
  const rights = RIGHTS[kind];
  return rights === undefined
    ? `; the role is ${role}`
    : `; grant ${rights} on ${kind} ${name} to ${role}, or make it a member of the role that its command needs`;
}

/** The server's own words: what it refused, with detail and hint, and the table where it names one. */
function describeServer(error: unknown): string {
  const message = messageOf(error);
  if (!(error instanceof pg.DatabaseError)) return message;
  const table = error.table === undefined ? [] : [`table ${error.schema}.${error.table}`];
  return [message, ...table, error.detail, error.hint].filter((part) => part !== undefined).join("; ");
}
