import type { Role } from "./names.ts";

/**
 * The commands of the runner, and the role with the least rights that each can work with; null: the command does not use
 * the database. A job or a person starts each command: `./r3a COMMAND`, or as arguments of the image.
 */
export const ROLE_OF = {
  sync: "writer",
  backfill: "writer",
  // it asks the exchange, and takes the weight of its requests from the budget that all share
  plan: "writer",
  verify: "writer",
  gaps: "writer",
  candles: "reader",
  series: "reader",
  runs: "reader",
  migrate: "owner",
  "migrate-layout": "owner",
  "wait-db": "reader",
  maint: "owner",
  "refresh-lastts": "writer",
  vacuum: "owner",
  backup: "writer",
  backups: "reader",
  // it writes what it finds into r3a.leaf_damage, and no candle
  scrub: "writer",
  // it makes a schema
  restore: "owner",
  // it makes tables, and puts them into the place of others
  seal: "owner",
  // it restores with another role, that of DRILL_DB_URL, and writes into the ledger here
  drill: "writer",
  janitor: null,
  // with a role that may not write, health leaves no row in the ledger and says so
  health: "reader",
  doctor: "reader",
} as const satisfies Readonly<Record<string, Role | null>>;
export type CommandName = keyof typeof ROLE_OF;
/** In reading order. */
export const COMMANDS = Object.keys(ROLE_OF) as readonly CommandName[];

/** Whether a command changes no candle and no schema: there is nothing that a stop could have left half done. */
export function onlyReads(name: string | undefined): boolean {
  return COMMANDS.some((command) => command === name && ROLE_OF[command] === "reader");
}

/** Whether each command asks the exchange; a text: with this option alone. */
export const ASKS_EXCHANGE: Readonly<Record<CommandName, boolean | `--${string}`>> = {
  sync: true,
  backfill: true,
  plan: true,
  verify: false,
  gaps: "--repair",
  candles: false,
  series: false,
  runs: false,
  migrate: false,
  "migrate-layout": false,
  "wait-db": false,
  maint: false,
  "refresh-lastts": false,
  vacuum: false,
  backup: false,
  backups: false,
  scrub: false,
  restore: "--damaged",
  seal: false,
  drill: true,
  janitor: false,
  health: false,
  doctor: true,
};
