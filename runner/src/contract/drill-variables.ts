import type { Variable } from "./variable.ts";

/** Where a drill restores. */
export const DRILL_VARIABLES = {
  DRILL_DB_URL: {
    meaning:
      "a database of another server than that of DB_URL, in the same form: drill makes a database of its own beside that one, restores into it and drops it. The role must be allowed to make databases and roles.",
    isSecret: true,
  },
} as const satisfies Readonly<Record<string, Variable>>;
