import type { Role } from "./names.ts";

/**
 * The commands of the runner. A job or a person starts each: `npm run runner -- COMMAND`, or as arguments of the image.
 */
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

/** The role with the least rights that each command can work with; null: the command does not use the database. */
export const ROLE_OF: Readonly<Record<CommandName, Role | null>> = {
  sync: "writer",
  backfill: "writer",
  // it asks the exchange, and takes the weight of its requests from the budget that all share
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
  // with a role that may not write, health leaves no row in the ledger and says so
  health: "reader",
  doctor: "reader",
};

/** Whether each command asks the exchange; a text: with this option alone. */
export const ASKS_EXCHANGE: Readonly<Record<CommandName, boolean | `--${string}`>> = {
  sync: true,
  backfill: true,
  plan: true,
  verify: false,
  gaps: "--repair",
  candles: false,
  migrate: false,
  "migrate-layout": false,
  "wait-db": false,
  maint: false,
  "refresh-lastts": false,
  vacuum: false,
  janitor: false,
  health: false,
  doctor: true,
};
