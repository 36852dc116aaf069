import { COMMANDS, type CommandName, ROLE_OF } from "../../runner/src/contract/commands.ts";

/**
 * The command that the words ask for where it needs the database of DB_URL; null for help, faults and commands without one.
 * What a person runs when the database is lost needs none either, and must not make her a local one: `restore --all` has its
 * own address, `backup check` looks at the tiers alone, and `backups` asks the ledger only where one `isThere`.
 */
export function commandOf([name, ...args]: readonly string[], isThere: () => boolean): CommandName | null {
  const command = COMMANDS.find((each) => each === name);
  if (command === undefined || ROLE_OF[command] === null) return null;
  if (args.includes("--help") || args.includes("-h")) return null;
  if (command === "restore" && args.includes("--all")) return null;
  if (command === "backup" && args.includes("check")) return null;
  if (command === "backups" && !isThere()) return null;
  return command;
}
