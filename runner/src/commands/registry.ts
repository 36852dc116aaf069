import type { CommandName } from "../contract.ts";
import type { Command } from "./command.ts";

/** Every command in reading order. Loaded when asked for: `migrate` need not pay for ccxt, `sync` not for migrations. */
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
  migrate: {
    summary: "bring the schema up to date; safe at any time",
    load: async () => (await import("./migrate.ts")).migrate,
  },
  "wait-db": {
    summary: "wait until the database answers and its schema is new enough",
    load: async () => (await import("./wait-db.ts")).waitDb,
  },
};
