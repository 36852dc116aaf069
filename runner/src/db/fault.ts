import pg from "pg";
import { messageOf, SettingsFault, Stopped, TryAgain } from "../errors.ts";
import { meaningOfLogin } from "./connection/login.ts";
import { findMissingOwner, findMissingRight } from "./missing-right.ts";
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
 * Messages of the driver for errors without a code: the connection is gone, or the answer is not that of PostgreSQL
 * (another program listens there, or something on the way changes bytes).
 */
const CONNECTION_MESSAGES =
  /^(Connection terminated|timeout expired|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|received invalid response|Received unexpected \w+ message|Query read timeout|There was an error establishing an SSL connection)/i;

/** The SQLSTATE or socket code of an error, also of an error that `translate` made. */
export function codeOf(error: unknown): string | null {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
}

/** Whether the server is away, by SQLSTATE or socket code; a statement that the server refused is no such error. */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // the file of the socket does not exist, or may not be opened
  if ("syscall" in error && error.syscall === "connect") return true;
  const code = codeOf(error);
  if (code !== null) return SOCKET_CODES.has(code) || meaningOf(code)?.kind === "away";
  if (error instanceof AggregateError) return error.errors.some(isConnectionError);
  return CONNECTION_MESSAGES.test(error.message);
}

/**
 * Whether another session changed the same row of a catalog at the same moment, as two sessions do that make or grant
 * one role. Advisory locks cannot keep them apart: each lock holds in one database, and roles belong to all databases
 * of a server. The server refuses the second statement when the first one commits; when the statement is done again, it
 * succeeds. The server does not translate these words into other languages.
 */
export function isCatalogClash(error: unknown): boolean {
  const cause = error instanceof Error && error.cause instanceof pg.DatabaseError ? error.cause : error;
  if (!(cause instanceof pg.DatabaseError)) return false;
  if (cause.code === UNIQUE_VIOLATION) return cause.schema === "pg_catalog";
  return cause.code === INTERNAL_ERROR && /^tuple concurrently (updated|deleted)/.test(cause.message);
}

/** The errors that ended a login, noted by `markLogin`. */
const logins = new WeakSet<Error>();

/** Notes that this error ended a login: some codes of the server mean something else then (login.ts). */
export function markLogin<E>(error: E): E {
  if (error instanceof Error) logins.add(error);
  return error;
}

function meaningOfError(error: unknown): Meaning | null {
  const cause = error instanceof Error && error.cause instanceof pg.DatabaseError ? error.cause : error;
  const ofLogin = cause instanceof Error && logins.has(cause) ? meaningOfLogin(cause) : null;
  return ofLogin ?? (isCatalogClash(error) ? BUSY : meaningOf(codeOf(error) ?? ""));
}

/**
 * What the code of the server means (sqlstate.ts), also of an error that `translate` made; null where the code says
 * nothing.
 */
export function kindOf(error: unknown): Meaning["kind"] | null {
  return meaningOfError(error)?.kind ?? null;
}

/**
 * Whether the server refused one statement, while others may work: for want of room, of a right, of memory. False where
 * the server is away, takes no writes at all, or where somebody holds what all statements wait for.
 */
export function isRefusal(error: unknown): boolean {
  const meaning = meaningOfError(error);
  return meaning !== null && meaning.kind !== "away" && meaning.isForAll !== true;
}

/** Whether each other part of the run would meet the same error. False where one statement is refused (`isRefusal`). */
export function isGeneral(error: unknown): boolean {
  return (error instanceof TryAgain || error instanceof SettingsFault) && !isRefusal(error);
}

/**
 * Errors of the driver: DB_URL has no password where the server asks for one, or asks for TLS where the server has
 * none.
 */
const REFUSED_BY_DRIVER = /^(SASL: |The server does not support SSL connections)/;
const NO_PASSWORD = /^SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be/;
/** An error of pgbouncer about `?options=` in DB_URL; the program itself sends no options. */
const REFUSED_PARAMETER = /unsupported startup parameter/;

/** Why a login failed, in words that name the part of DB_URL. */
export function reasonOfLogin(error: unknown): string {
  const message = messageOf(error);
  return NO_PASSWORD.test(message) ? `it asks for a password, and DB_URL has none (${message})` : message;
}

/**
 * An error as what it means for the run (sqlstate.ts): TryAgain, SettingsFault, or an Error that says what to do. The
 * error of the driver is its cause. An error without such a meaning comes out unchanged. `role` is the role of the
 * session. The text never holds the URL.
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

/** The errors that were translated: a transaction inside another piece of work passes its error through two places. */
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

/** Which grant is missing, as statements that run as they stand; docs/database.md has the whole list. */
function grantOf(message: string, role?: string): string {
  const who = role === undefined ? "" : `; the role is ${role}`;
  const owner = findMissingOwner(message, role);
  if (owner !== null)
    return `${who}; this needs the owner's role, which an administrator gives where migrate --roles has made it: ${owner}; or take the owner's login`;
  const right = findMissingRight(message, role);
  if (right === null) return who;
  const more = right.more === undefined ? "" : `; for a command that ${right.moreFor}: ${right.more}`;
  return `${who}; as the owner: ${right.sql}${more}`;
}

/** The server's own words: what it refused, with detail and hint, and the table where the server names one. */
function describeServer(error: unknown): string {
  const message = messageOf(error);
  if (!(error instanceof pg.DatabaseError)) return message;
  const table = error.table === undefined ? [] : [`table ${error.schema}.${error.table}`];
  return [message, ...table, error.detail, error.hint].filter((part) => part !== undefined).join("; ");
}
