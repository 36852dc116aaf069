import { join } from "node:path";
import type { CommandName } from "../../runner/src/contract/commands.ts";
import { EXIT } from "../../runner/src/contract/exits.ts";
import { LAUNCH } from "../../runner/src/contract/launch.ts";
import { DAY_MS } from "../../runner/src/time.ts";
import { type CaughtSignals, catchSignals, runChild } from "../install/run-child.js";
import { ensureDatabase, startPostgres } from "../postgres/postgres.ts";
import { choose } from "./choose.ts";
import type { Exchange } from "./exchange.ts";
import { ABOUT, databaseOf, folderOf, type Kind, PORT_OF, ROOT } from "./kinds.ts";

const SYMBOLS = ["BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "XRPUSDT"];
const DAYS = 7;
/** Of the right form, and never connected to. */
const PLACEHOLDER_URL = "postgresql://127.0.0.1/r3a";

/** Runs one command on the local database, whose server runs at least as long; returns its exit code. */
export async function runLocal(
  command: CommandName,
  words: readonly string[],
  isSimulated: boolean,
): Promise<number> {
  const signals = catchSignals();
  const checked = await checkWords(words, signals);
  if (checked !== EXIT.done) return checked;
  const { kind, exchange } = await choose({ command, args: words.slice(1), isSimulated });
  // whoever forgot the DB_URL of production must see whose candles these are; made-up ones have the runner's own mark
  const note = `local database (DB_URL is not set)${kind === "binance" ? `: ${ABOUT.binance}` : ""}`;
  try {
    return await onServer(
      { kind, exchange, signals, note },
      async (run) => (await run(words, "inherit")).code,
    );
  } finally {
    await exchange?.stop();
  }
}

/** The runner's own check of arguments and settings: a fault must not wait for a network and a server. */
async function checkWords(words: readonly string[], signals: CaughtSignals): Promise<number> {
  const { code } = await runChild(process.execPath, runnerArgs(words), {
    env: { ...environment(PLACEHOLDER_URL, undefined), [LAUNCH.check]: "true" },
    stdio: ["ignore", "ignore", "inherit"],
    signals,
  });
  return code;
}

function runnerArgs(words: readonly string[]): readonly string[] {
  return [...process.execArgv, join(ROOT, "runner/src/main.ts"), ...words];
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
  /** What the command whose stdout is the person's says about the database. */
  readonly note?: string;
};

/** Starts or joins the server of a kind, makes its database if need be, and leaves it after `work`. */
export async function onServer(
  { kind, exchange, signals, note }: Stage,
  work: (run: Run) => Promise<number>,
): Promise<number> {
  try {
    const server = await startPostgres({ dir: folderOf(kind), port: { usual: PORT_OF[kind] } });
    try {
      const run: Run = (words, stdout = "pipe") =>
        runChild(process.execPath, runnerArgs(words), {
          env: {
            ...environment(server.url(databaseOf(kind)), exchange?.url),
            ...(note !== undefined && stdout === "inherit" && { [LAUNCH.note]: note }),
          },
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
    [LAUNCH.program]: "./r3a", // npm start
    ...process.env,
    DB_URL: url,
    ...(exchangeUrl === undefined ? {} : { EXCHANGE_URL: exchangeUrl }),
  };
}
