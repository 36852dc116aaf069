import type { Role } from "./names.ts";

/** Commands with a schedule or a person behind them; each is `npm run runner -- COMMAND` and the image's arguments. */
export const COMMANDS = [
  "sync",
  "backfill",
  "plan",
  "verify",
  "gaps",
  "candles",
  "migrate",
  "migrate-layout",
  "wait-db",
  "maint",
  "refresh-lastts",
  "vacuum",
  "janitor",
  "health",
  "doctor",
] as const;
export type CommandName = (typeof COMMANDS)[number];

/** The role with the least rights that each command can work with; null: it does not ask the database. */
export const ROLE_OF: Readonly<Record<CommandName, Role | null>> = {
  sync: "writer",
  backfill: "writer",
  // its questions to the exchange take weight from the budget of all
  plan: "writer",
  verify: "writer",
  gaps: "writer",
  candles: "reader",
  migrate: "owner",
  "migrate-layout": "owner",
  "wait-db": "reader",
  maint: "owner",
  "refresh-lastts": "writer",
  vacuum: "owner",
  janitor: null,
  // without the right to write it leaves no row in the ledger, and says so
  health: "reader",
  doctor: "reader",
};
