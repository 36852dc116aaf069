/** The roles of the database, from all rights to the fewest; docs/database.md has them as SQL. */
export const ROLES = ["owner", "writer", "reader"] as const;
export type Role = (typeof ROLES)[number];
/**
 * The names of the roles in the database. Each role is a group without a login: logins are made members of it and keep
 * their passwords.
 */
export const ROLE_NAMES: Readonly<Record<Role, string>> = {
  owner: "r3a_owner",
  writer: "r3a_writer",
  reader: "r3a_reader",
};

/** The label that every object of the suite carries: CronJobs, their Jobs and the pods of these. */
export const PART_OF = { label: "app.kubernetes.io/part-of", suite: "r3a" } as const;

/** The label app.kubernetes.io/managed-by of every object of the suite. */
export const MANAGER = "r3a-infra";

/** The janitor among the jobs, as the label `app.kubernetes.io/component` of its objects says. */
export const JANITOR_COMPONENT = "maint-janitor";
/** The name of the janitor's CronJob, and of the Role and RoleBinding of its account. */
export const JANITOR = `r3a-${JANITOR_COMPONENT}` as const;
/** The janitor's ServiceAccount: its pod alone has a token. */
export const JANITOR_ACCOUNT = "r3a-janitor-sa";

/** The names of the suite's CronJobs. The CronJobs of the old charts have the same names and lack the label. */
export const CRON_JOBS = [
  "r3a-sync-1m-top",
  "r3a-sync-1m",
  "r3a-sync-15m",
  "r3a-sync-1h",
  "r3a-sync-4h",
  "r3a-sync-1d",
  "r3a-maint",
  JANITOR,
  "r3a-maint-refresh-lastts",
  "r3a-maint-vacuum-hot",
  "r3a-gaps",
  "r3a-verify",
  "r3a-health",
] as const;

/**
 * How the name of a database of made-up candles ends. `./r3a` gives this name to the database of the simulated exchange,
 * and every result of the runner from such a database says so.
 */
export const SIMULATED_ENDING = "_simulated";

/**
 * The schema that a restore of the whole database keeps in its target while it is under way, and the table whose existence
 * there keeps every other command away.
 */
export const RESTORE_SCHEMA = { name: "r3a_restore", gate: "hot_set_pending" } as const;

/** The schema of leaves that are built beside the live table, each under its own name, until the swap takes them over. */
export const LEAF_SCRATCH_SCHEMA = "r3a_scratch";
/** The schema that a swap moves the old table of a leaf to; r3a.quarantine says what lies there. */
export const QUARANTINE_SCHEMA = "quarantine";
/** So long the tables lie there; then maint drops them. */
export const QUARANTINE_DAYS = 14;
