import type { Command } from "commander";
import { ENVIRONMENT, type EnvironmentName } from "./contract/environment.ts";
import { EXIT, EXIT_MEANING } from "./contract/exits.ts";

/** What the help of the program says after its commands. */

/** What a person at a terminal sets; docs/commands.md has the others too. */
const VARIABLES: readonly EnvironmentName[] = [
  "DB_URL",
  "EXCHANGE_URL",
  "SYMBOLS",
  "UNIVERSE_SIZE",
  "FALLBACK_START",
  "WEIGHT_LIMIT",
  "LOG_LEVEL",
  "NO_COLOR",
];

/** Environment, exit codes, and where to read more; in the width of the help of `program`. */
export function renderBackground(program: Command): string {
  const helper = program.createHelp();
  helper.prepareContext({ helpWidth: program.configureOutput().getOutHelpWidth?.() ?? 80 });
  const list = (rows: readonly (readonly [string, string])[]) =>
    rows.map(([term, text]) => helper.formatItem(term, 14, text, helper)).join("\n");
  const exits = Object.entries(EXIT_MEANING).map(
    ([name, meaning]) => [String(EXIT[name as keyof typeof EXIT]), meaning] as const,
  );
  return `
Environment:
${list(VARIABLES.map((name) => [name, ENVIRONMENT[name].meaning]))}

Exit codes:
${list(exits)}

More: docs/commands.md (every option and variable), docs/operations.md (what to
do when something is wrong), README.md; https://github.com/triplora/r3a`;
}
