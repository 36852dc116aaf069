import { COMMANDS, type CommandName, ROLE_OF } from "../../runner/src/contract/commands.ts";

/** The command that the words ask for where it needs a database; null for help, faults and commands without one. */
export function commandOf([name, ...args]: readonly string[]): CommandName | null {
  const command = COMMANDS.find((each) => each === name);
  const isHelp = args.includes("--help") || args.includes("-h");
  return command === undefined || isHelp || ROLE_OF[command] === null ? null : command;
}
