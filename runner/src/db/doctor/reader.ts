import type { Database } from "../connect.ts";
import { codeOf } from "../fault.ts";
import { bounded, type Reader } from "../session.ts";
import { INVALID_SCHEMA, UNDEFINED_COLUMN, UNDEFINED_FUNCTION, UNDEFINED_TABLE } from "../sqlstate.ts";

/** Shorter than the time of a check, so that the server's own words come out. */
const LIMITS = { limitMs: 4_000, lockMs: 1_500 } as const;

/** No such table, schema, column or function. */
const MISSING = new Set([UNDEFINED_TABLE, INVALID_SCHEMA, UNDEFINED_COLUMN, UNDEFINED_FUNCTION]);

/** Whether a statement met a schema that lacks what it asks for. */
export function isMissingObject(error: unknown): boolean {
  return MISSING.has(codeOf(error) ?? "");
}

/** One bounded look of doctor. */
export async function withReader<T>(
  db: Database,
  signal: AbortSignal,
  read: (client: Reader) => Promise<T>,
): Promise<T> {
  return bounded(db, { ...LIMITS, signal }, read);
}
