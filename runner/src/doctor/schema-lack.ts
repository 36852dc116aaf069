import type { Database } from "../db/connect.ts";
import { isMissingObject } from "../db/doctor/reader.ts";
import { readSchema } from "../db/doctor/stored.ts";
import { messageOf } from "../errors.ts";
import { type Check, type Finding, skip } from "./check.ts";

/** Makes a check that reads our tables. */
export type OnSchema = (name: string, look: (signal: AbortSignal) => Promise<Finding>) => Check;

/**
 * Checks of tables that a schema which is behind may lack. They look all the same, since an old schema has most of
 * them, and are passed over only where the check `schema` tells what is missing; a table that is gone from a schema
 * that should have it is a failure.
 */
export function createOnSchema(db: Database): OnSchema {
  return (name, look) => ({
    name,
    needs: ["database"],
    look: async (signal) => {
      try {
        return await look(signal);
      } catch (error) {
        if (!isMissingObject(error)) throw error;
        const { pending, layout } = await readSchema(db, signal);
        if (pending.length === 0 && layout !== "old") throw error;
        // the advice about a foreign schema is for commands; here the check `schema` has looked
        const why = error instanceof Error && error.cause !== undefined ? error.cause : error;
        return skip(`needs schema, see there: ${messageOf(why)}`);
      }
    },
  });
}
