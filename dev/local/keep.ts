import { createInterface } from "node:readline/promises";
import { Command, InvalidArgumentError } from "commander";
import { EXIT } from "../../runner/src/contract/exits.ts";
import { TryAgain, UsageFault } from "../../runner/src/errors.ts";
import { commandLine, programName } from "../../runner/src/program-name.ts";
import { parseCommandLine } from "../command-line.ts";
import { catchSignals } from "../install/run-child.js";
import { isRunning, removeData, sizeOf } from "../postgres/data.ts";
import { ensureDatabase, startPostgres } from "../postgres/postgres.ts";
import { pickExisting } from "./choose.ts";
import { ABOUT, databaseOf, dataOf, folderOf, type Kind, listExisting, PORT_OF } from "./kinds.ts";

/** `r3a db`: the local database itself. */

const say = (text: string) => process.stderr.write(`${text}\n`);

/** Runs `r3a db` with the words behind `db`; returns the exit code. */
export async function runDb(words: readonly string[], isSimulated: boolean): Promise<number> {
  let work = async (): Promise<number> => EXIT.done;
  const program = new Command(commandLine("db"))
    .description("keep the server of the local database up until Ctrl-C, and print the URL")
    .option("--simulated", "the database of the simulated exchange, where both are there")
    .option("--port <n>", "the port of this start and of later ones (default: that of the last)", portOf)
    .addHelpText(
      "after",
      `\nExamples:\n${["db", "db --port 5433", "db reset"].map((words) => `  ${commandLine(words)}`).join("\n")}`,
    );
  program.action(({ port }: { readonly port?: number }) => {
    work = () => keepUp(isSimulated, port);
  });
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

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port > 0 && port < 65_536) return port;
  throw new InvalidArgumentError("not a port from 1 to 65535");
}

async function keepUp(isSimulated: boolean, named: number | undefined): Promise<number> {
  const signals = catchSignals();
  const kind = pickExisting(isSimulated);
  const server = await startPostgres({ dir: folderOf(kind), port: { usual: PORT_OF[kind], named } });
  try {
    if (named !== undefined && server.port !== named)
      throw new TryAgain(
        `the server runs on port ${server.port} already; end the programs that use it first (${commandLine("db")}, psql, a command)`,
      );
    await ensureDatabase(server, databaseOf(kind));
    const megabytes = Math.ceil((await sizeOf(server.dataDir)) / 1e6);
    say(`${ABOUT[kind]}; ${megabytes} MB in ${server.dataDir}`);
    process.stdout.write(`${server.url(databaseOf(kind))}\n`);
    const given = (process.env.DB_URL ?? "").trim();
    const isUsed = given === "" || given === server.url(databaseOf(kind));
    const user = `${programName()} uses this server while it is up`;
    say(`${isUsed ? user : `DB_URL names another database: without DB_URL ${user}`}. Ctrl-C stops it.`);
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
      say(`other programs use the server: the last ${programName()} command that leaves stops it`);
  }
}

async function reset(isSimulated: boolean, isSure: boolean): Promise<number> {
  const kinds = listExisting().filter((kind) => kind === "simulated" || !isSimulated);
  if (kinds.length === 0) {
    say("there is no local database: nothing to delete");
    return EXIT.done;
  }
  for (const kind of kinds) say(`${dataOf(kind)}: ${ABOUT[kind]}`);
  if (!isSure && !(await confirm(kinds))) return EXIT.failed;
  for (const kind of kinds) {
    const data = dataOf(kind);
    if (!(await removeData(folderOf(kind))))
      throw new TryAgain(
        `a program uses the server of ${data}; end it first (${commandLine("db")}, psql, a command)`,
      );
    say(`deleted ${data}`);
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
