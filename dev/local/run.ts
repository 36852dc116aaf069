import { join } from "node:path";
import type { CommandName } from "../../runner/src/contract/commands.ts";
import { EXIT } from "../../runner/src/contract/exits.ts";
import { DAY_MS } from "../../runner/src/time.ts";
import { type CaughtSignals, catchSignals, runChild } from "../install/run-child.js";
import { ensureDatabase, startPostgres } from "../postgres/postgres.ts";
import { choose } from "./choose.ts";
import type { Exchange } from "./exchange.ts";
import { ABOUT, databaseOf, folderOf, type Kind, ROOT } from "./kinds.ts";

const SYMBOLS = ["BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "XRPUSDT"];
const DAYS = 7;

/** Runs one command on the local database, whose server runs at least as long; returns its exit code. */
export async function runLocal(
  command: CommandName,
  words: readonly string[],
  isSimulated: boolean,
): Promise<number> {
  const signals = catchSignals();
  const { kind, exchange } = await choose({ command, args: words.slice(1), isSimulated });
  // whoever forgot the DB_URL of production must see whose candles these are
  process.stderr.write(`local database (DB_URL is not set): ${ABOUT[kind]}\n`);
  try {
    return await onServer({ kind, exchange, signals }, async (run) => (await run(words, "inherit")).code);
  } finally {
    await exchange?.stop();
  }
}

/** Runs the runner once with these words; what it prints comes back where stdout is a pipe. */
export type Run = (
  words: readonly string[],
  stdout?: "inherit" | "pipe",
) => Promise<{ readonly code: number; readonly stdout: string }>;

export type Stage = {
  readonly kind: Kind;
  readonly exchange: Exchange | null;
  readonly signals: CaughtSignals;
};

/** Starts or joins the server of a kind, makes its database if need be, and leaves it after `work`. */
export async function onServer(
  { kind, exchange, signals }: Stage,
  work: (run: Run) => Promise<number>,
): Promise<number> {
  try {
    const server = await startPostgres({ dir: folderOf(kind) });
    try {
      const run: Run = (words, stdout = "pipe") =>
        runChild(process.execPath, [...process.execArgv, join(ROOT, "runner/src/main.ts"), ...words], {
          env: environment(server.url(databaseOf(kind)), exchange?.url),
          stdio: ["ignore", stdout, "inherit"],
          signals,
        });
      if (await ensureDatabase(server, databaseOf(kind))) {
        const { code } = await run(["migrate"]);
        if (code !== EXIT.done) return code;
      }
      return signals.first === undefined ? await work(run) : EXIT.terminated;
    } finally {
      await server.stop();
    }
  } catch (error) {
    // Ctrl-C of the terminal reaches the tools of PostgreSQL too
    if (signals.first !== undefined) return EXIT.terminated;
    throw error;
  }
}

/** Five markets and a week, unless the environment says otherwise. */
function environment(url: string, exchangeUrl: string | undefined): NodeJS.ProcessEnv {
  return {
    SYMBOLS: SYMBOLS.join(","),
    FALLBACK_START: new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS - DAYS * DAY_MS).toISOString(),
    LOG_LEVEL: "warn",
    ...process.env,
    DB_URL: url,
    ...(exchangeUrl === undefined ? {} : { EXCHANGE_URL: exchangeUrl }),
  };
}
