import type { Database } from "../db/connect.ts";
import { isMissingObject } from "../db/doctor/reader.ts";
import { readSchema } from "../db/doctor/stored.ts";
import { messageOf } from "../errors.ts";
import { type Check, type Finding, skip } from "./check.ts";

/** Makes a check that reads tables of the schema r3a. */
export type OnSchema = (name: string, look: (signal: AbortSignal) => Promise<Finding>) => Check;

/**
 * Makes checks of tables that an older schema may lack. Such a check runs on an older schema too, since it has most tables.
 * If a table is missing, the check is skipped if migrations are pending, because the check `schema` reports them; otherwise
 * the missing table is an error.
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
        // the cause is the error of the server; the advice around it is for commands, and the check `schema` gives its own
        const why = error instanceof Error && error.cause !== undefined ? error.cause : error;
        return skip(`needs schema, see there: ${messageOf(why)}`);
      }
    },
  });
}
