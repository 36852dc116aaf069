import { createInterface } from "node:readline/promises";
import { Command } from "commander";
import { EXIT } from "../../runner/src/contract/exits.ts";
import { TryAgain, UsageFault } from "../../runner/src/errors.ts";
import { parseCommandLine } from "../command-line.ts";
import { catchSignals } from "../install/run-child.js";
import { isRunning, removeData, sizeOf } from "../postgres/data.ts";
import { ensureDatabase, startPostgres } from "../postgres/postgres.ts";
import { pickExisting } from "./choose.ts";
import { ABOUT, databaseOf, folderOf, type Kind, listExisting } from "./kinds.ts";

/** `r3a db`: the local database itself. */

const say = (text: string) => process.stderr.write(`${text}\n`);

/** Runs `r3a db` with the words behind `db`; returns the exit code. */
export async function runDb(words: readonly string[], isSimulated: boolean): Promise<number> {
  let work = () => keepUp(isSimulated);
  const program = new Command("r3a db")
    .description("keep the server of the local database up until Ctrl-C, and print the URL")
    .option("--simulated", "the database of the simulated exchange, where both are there")
    .addHelpText("after", "\nExamples:\n  r3a db\n  r3a db reset");
  program.action(() => {});
  program
    .command("reset")
    .description("delete the local databases")
    .option("--yes", "delete without asking")
    .option("--simulated", "the one of the simulated exchange alone")
    .action(({ yes }: { readonly yes?: true }) => {
      work = () => reset(isSimulated, yes === true);
    });
  return (await parseCommandLine(program, words)) ?? work();
}

async function keepUp(isSimulated: boolean): Promise<number> {
  const signals = catchSignals();
  const kind = pickExisting(isSimulated);
  const server = await startPostgres({ dir: folderOf(kind) });
  try {
    await ensureDatabase(server, databaseOf(kind));
    const megabytes = Math.ceil((await sizeOf(server.dataDir)) / 1e6);
    say(`${ABOUT[kind]}; ${megabytes} MB in ${server.dataDir}`);
    process.stdout.write(`${server.url(databaseOf(kind))}\n`);
    say("r3a uses this server while it is up. Ctrl-C stops it.");
    const asked = new Promise<void>((resolve) => {
      signals.hear = () => resolve();
      if (signals.first !== undefined) resolve();
    });
    // what is unreferenced does not keep a process
    const timer = setInterval(() => {}, 60_000);
    await Promise.race([asked, server.gone]);
    clearInterval(timer);
    if (signals.first !== undefined) return EXIT.done;
    say("the server ended");
    return EXIT.failed;
  } finally {
    await server.stop();
    if (signals.first !== undefined && (await isRunning(folderOf(kind))))
      say("other programs use the server: the last r3a command that leaves stops it");
  }
}

async function reset(isSimulated: boolean, isSure: boolean): Promise<number> {
  const kinds = listExisting().filter((kind) => kind === "simulated" || !isSimulated);
  if (kinds.length === 0) {
    say("there is no local database: nothing to delete");
    return EXIT.done;
  }
  for (const kind of kinds) say(`${folderOf(kind)}: ${ABOUT[kind]}`);
  if (!isSure && !(await confirm(kinds))) return EXIT.failed;
  for (const kind of kinds) {
    if (!(await removeData(folderOf(kind))))
      throw new TryAgain(
        `a program uses the server of ${folderOf(kind)}; end it first (r3a db, psql, a command)`,
      );
    say(`deleted ${folderOf(kind)}`);
  }
  return EXIT.done;
}

async function confirm(kinds: readonly Kind[]): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new UsageFault([`--yes is missing: without a terminal nobody can be asked`]);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`delete ${kinds.length === 1 ? "it" : "both"}? [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
