import type { Variable } from "./variable.ts";

/** Where a whole database is restored, and where a drill restores one. */
export const RESTORE_VARIABLES = {
  RESTORE_DB_URL: {
    meaning:
      "the empty database that restore --all restores into where --to is absent, in the form of DB_URL: the password in --to shows in the list of processes.",
    isSecret: true,
  },
  DRILL_DB_URL: {
    meaning:
      "a database of another server than that of DB_URL, in the same form: drill makes a database of its own beside that one, restores into it and drops it. The role must be allowed to make databases and roles.",
    isSecret: true,
  },
} as const satisfies Readonly<Record<string, Variable>>;
