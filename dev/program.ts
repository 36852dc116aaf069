import { fileURLToPath } from "node:url";
import { EXIT } from "../runner/src/contract/exits.ts";
import { LAUNCH } from "../runner/src/contract/launch.ts";
import { commandLine, setProgramName } from "../runner/src/program-name.ts";
import { commandOf } from "./local/command-of.ts";
import { listExisting } from "./local/kinds.ts";

/**
 * What `./r3a` starts: the runner itself, on the local database where DB_URL names no other. The image has no such thing:
 * there the runner is started directly.
 */

/** Where the local database serves a clone without DB_URL. */
function renderLocalHelp(): string {
  const rows = [
    ["db", "keep its server up, and print the URL"],
    ["db reset", "delete it"],
    ["... --simulated", "the simulated exchange, and its own database"],
  ] as const;
  const lines = rows.map(([words, about]) => `  ${commandLine(words.padEnd(16))}  ${about}\n`);
  return `\nIn a clone, where DB_URL is not set, the commands use a PostgreSQL of the clone:\n${lines.join("")}`;
}

/** Runs `r3a` with these words; returns the exit code. */
export async function runProgram(words: readonly string[]): Promise<number> {
  const name = process.env[LAUNCH.program] || "./r3a";
  process.env[LAUNCH.program] = name;
  setProgramName(name);
  const isSimulated = words.includes("--simulated");
  const args = words.filter((word) => word !== "--simulated");
  const hasUrl = (process.env.DB_URL ?? "").trim() !== "";
  if (isSimulated && hasUrl && args[0] !== "db") {
    process.stderr.write(
      "--simulated is for the local database, and DB_URL names another: unset one of them; or start a simulated exchange (npm run exchange), and name its address in EXCHANGE_URL for a database that has no candles of Binance\n",
    );
    return EXIT.usage;
  }
  // modules are loaded when needed: with a DB_URL the command is all there is
  if (args[0] === "db") {
    const { runDb } = await import("./local/keep.ts");
    return guarded(() => runDb(args.slice(1), isSimulated));
  }
  const command = hasUrl ? null : commandOf(args, () => isThere(isSimulated));
  if (command !== null) {
    const { runLocal } = await import("./local/run.ts");
    return guarded(() => runLocal(command, args, isSimulated));
  }
  process.argv.splice(2, process.argv.length, ...args);
  await import("../runner/src/main.ts");
  if (["--help", "-h", "help"].includes(args[0] ?? "") && args[1] === undefined)
    process.stdout.write(renderLocalHelp());
  return Number(process.exitCode ?? EXIT.done);
}

/** Whether a local database is there; only the simulated one counts where a person asks for that. */
function isThere(isSimulated: boolean): boolean {
  return listExisting().some((kind) => kind === "simulated" || !isSimulated);
}

/** The sentence of a fault instead of its stack. */
async function guarded(work: () => Promise<number>): Promise<number> {
  const { exitCodeOf, messageOf } = await import("../runner/src/errors.ts");
  try {
    return await work();
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    return exitCodeOf(error);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.exitCode = await runProgram(process.argv.slice(2));
