import type { CommandName } from "../contract/commands.ts";
import type { Command } from "./command.ts";

/**
 * Every command in reading order. A command is loaded when it is asked for: `migrate` needs no ccxt, and `sync` needs
 * no migrations.
 */
export const REGISTRY: Readonly<
  Record<CommandName, { readonly summary: string; readonly load: () => Promise<Command> }>
> = {
  sync: {
    summary: "bring every series of an interval up to now; what the jobs run",
    load: async () => (await import("./sync.ts")).sync,
  },
  backfill: {
    summary: "fetch a span of the past, and the open gaps in it",
    load: async () => (await import("./backfill.ts")).backfill,
  },
  plan: {
    summary: "print windows, requests, weight and minutes of a sync or backfill",
    load: async () => (await import("./plan.ts")).plan,
  },
  verify: {
    summary: "compare what is stored with coverage, gap log and the finer interval",
    load: async () => (await import("./verify.ts")).verify,
  },
  gaps: {
    summary: "list the gap log, or ask again for what is due (--repair)",
    load: async () => (await import("./gaps.ts")).gaps,
  },
  candles: {
    summary: "read stored candles back, exact to the last digit",
    load: async () => (await import("./candles.ts")).candles,
  },
  series: {
    summary: "what is stored: first and last candle, count, gaps and size of each series",
    load: async () => (await import("./series.ts")).series,
  },
  runs: {
    summary: "what ran, and how it ended (--failed, --command)",
    load: async () => (await import("./runs.ts")).runs,
  },
  migrate: {
    summary: "bring the schema up to date; safe at any time",
    load: async () => (await import("./migrate.ts")).migrate,
  },
  "migrate-layout": {
    summary: "move a database of the old layout into the new one, leaf by leaf",
    load: async () => (await import("./migrate-layout.ts")).migrateLayout,
  },
  "wait-db": {
    summary: "wait until the database answers and its schema is new enough",
    load: async () => (await import("./wait-db.ts")).waitDb,
  },
  maint: {
    summary: "bring indexes, leaves and storage settings to what they should be",
    load: async () => (await import("./maint.ts")).maint,
  },
  "refresh-lastts": {
    summary: "compare the last timestamps with the stored candles",
    load: async () => (await import("./refresh-lastts.ts")).refreshLastts,
  },
  vacuum: {
    summary: "analyse and vacuum what needs it most",
    load: async () => (await import("./vacuum.ts")).vacuum,
  },
  backup: {
    summary: "write what changed into the tiers, encrypted and verified (--delta: every 15 minutes)",
    load: async () => (await import("./backup.ts")).backup,
  },
  backups: {
    summary: "what each tier holds: time, size, what it restores, last verified, suspects",
    load: async () => (await import("./backups.ts")).backups,
  },
  scrub: {
    summary: "read every row and index of the leaves, and name each damaged leaf",
    load: async () => (await import("./scrub.ts")).scrub,
  },
  restore: {
    summary: "restore leaves beside the live table, or a whole database, verified",
    load: async () => (await import("./restore.ts")).restore,
  },
  seal: {
    summary: "make each leaf that is over immutable, in order, and proved in two tiers",
    load: async () => (await import("./seal.ts")).seal,
  },
  drill: {
    summary: "prove that the newest backup of a tier restores: into a database of its own, compared",
    load: async () => (await import("./drill.ts")).drill,
  },
  janitor: {
    summary: "find pods and Jobs that are stuck in the cluster, and delete them",
    load: async () => (await import("./janitor.ts")).janitor,
  },
  health: {
    summary: "six checks of the data and its jobs, as text, JSON, metrics or Markdown",
    load: async () => (await import("./health.ts")).health,
  },
  doctor: {
    summary: "what is wrong with the installation, and what to do about it",
    load: async () => (await import("./doctor.ts")).doctor,
  },
};

/** Commands by the names that other programs have for them: a person who types such a name learns ours. */
const OTHER_NAMES: Readonly<Record<string, CommandName | "gaps --repair">> = {
  list: "series",
  ls: "series",
  show: "series",
  status: "health",
  check: "verify",
  history: "runs",
  log: "runs",
  logs: "runs",
  get: "candles",
  query: "candles",
  read: "candles",
  export: "candles",
  download: "backfill",
  fetch: "backfill",
  repair: "gaps --repair",
  init: "migrate",
};

/** The command line that is meant by a name of other programs; null where the name is none of these. */
export function commandMeantBy(name: string | undefined): string | null {
  return name !== undefined && Object.hasOwn(OTHER_NAMES, name) ? (OTHER_NAMES[name] ?? null) : null;
}
