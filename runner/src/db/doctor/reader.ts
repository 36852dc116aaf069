import type pg from "pg";
import type { Database } from "../connect.ts";
import { codeOf } from "../fault.ts";
import { onlyRow } from "../only-row.ts";
import { bounded, type Reader } from "../session.ts";
import { INVALID_SCHEMA, UNDEFINED_COLUMN, UNDEFINED_FUNCTION, UNDEFINED_TABLE } from "../sqlstate.ts";

/** Shorter than the time limit of a check, so that the check can report the server's own message. */
const LIMITS = { limitMs: 4_000, lockMs: 1_500 } as const;

/** A table, schema, column or function does not exist. */
const MISSING = new Set([UNDEFINED_TABLE, INVALID_SCHEMA, UNDEFINED_COLUMN, UNDEFINED_FUNCTION]);

/** Whether a statement failed because an object of the schema is missing. */
export function isMissingObject(error: unknown): boolean {
  return MISSING.has(codeOf(error) ?? "");
}

/** Runs one bounded, read-only transaction of doctor. */
export async function withReader<T>(
  db: Database,
  signal: AbortSignal,
  read: (client: Reader) => Promise<T>,
): Promise<T> {
  return bounded(db, { ...LIMITS, signal }, read);
}

/** The rows of one statement, in a transaction of its own. */
export async function readRows<Row extends pg.QueryResultRow>(
  db: Database,
  signal: AbortSignal,
  statement: string | pg.QueryConfig,
): Promise<readonly Row[]> {
  return withReader(db, signal, async (client) => (await client.query<Row>(statement)).rows);
}

/** The one row of a statement that always gives a row. */
export async function readRow<Row extends pg.QueryResultRow>(
  db: Database,
  signal: AbortSignal,
  text: string,
): Promise<Row> {
  return onlyRow(await readRows<Row>(db, signal, text));
}
