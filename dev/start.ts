import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { EXIT } from "../runner/src/contract/exits.ts";
import { INTERVALS } from "../runner/src/contract/intervals.ts";
import { renderSummary, type SyncSummary } from "../runner/src/sync/summary.ts";
import { DAY_MS } from "../runner/src/time.ts";
import { startExchange } from "./exchange/exchange.ts";
import { ensureDatabase, startPostgres } from "./postgres/postgres.ts";

/**
 * `npm start`: real candles of five markets into a real PostgreSQL of this folder, by the very commands that the jobs
 * run. A second run adds only what is new. `npm start -- COMMAND` runs one command on the same database.
 */

const SYMBOLS = ["BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "XRPUSDT"];
const DAYS = 7;
const BINANCE_URL = process.env.EXCHANGE_URL ?? "https://api.binance.com";
const PROBE_MS = 3_000;

const root = fileURLToPath(new URL("..", import.meta.url));
const say = (text: string) => process.stderr.write(`${text}\n`);

type Exchange = { readonly name: "binance" | "simulated"; readonly url: string; stop(): Promise<void> };

/** The real exchange where it answers within 3 s and takes this region, else the simulated one. */
async function chooseExchange(): Promise<Exchange> {
  try {
    const answer = await fetch(`${BINANCE_URL}/api/v3/time`, { signal: AbortSignal.timeout(PROBE_MS) });
    const name = answer.headers.has("x-r3a-simulated") ? "simulated" : "binance";
    if (answer.ok) return { name, url: BINANCE_URL, async stop() {} };
    say(
      `Binance answers ${answer.status}${answer.status === 451 ? " (region refused)" : ""}: using the simulated exchange`,
    );
  } catch (error) {
    say(`Binance cannot be reached (${reasonOf(error)}): using the simulated exchange`);
  }
  const simulated = await startExchange();
  return { name: "simulated", url: simulated.url, stop: () => simulated.stop() };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.name === "TimeoutError"
    ? `no answer within ${PROBE_MS / 1000} s`
    : String(error.cause ?? error.message);
}

/** Runs one command of the runner; progress and log go to this terminal, the result comes back. */
async function runCommand(
  args: readonly string[],
  env: Record<string, string>,
): Promise<{ code: number; stdout: string }> {
  const child = spawn(process.execPath, [`${root}runner/src/main.ts`, ...args], {
    cwd: root,
    env: { ...process.env, LOG_LEVEL: process.env.LOG_LEVEL ?? "warn", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let stdout = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code: code ?? EXIT.failed, stdout };
}

async function main(): Promise<number> {
  let interrupted = false;
  process.on("SIGINT", () => {
    interrupted = true; // the runner got it too, stores what it has and ends; the server stops after it
  });
  const exchange = await chooseExchange();
  say(
    `exchange: ${exchange.name === "binance" ? exchange.url : "simulated (deterministic candles, not a market)"}`,
  );
  const server = await startPostgres({ dir: `${root}.r3a/${exchange.name}` });
  try {
    await ensureDatabase(server, "r3a");
    const env = {
      DB_URL: server.url("r3a"),
      EXCHANGE_URL: exchange.url,
      SYMBOLS: SYMBOLS.join(","),
      AUTO_PERIOD: "true",
      FALLBACK_START: new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS - DAYS * DAY_MS).toISOString(),
    };
    const command = process.argv.slice(2);
    if (command.length > 0) {
      const { code, stdout } = await runCommand(command, env);
      process.stdout.write(stdout);
      return code;
    }
    const migrated = await runCommand(["migrate"], env);
    if (migrated.code !== EXIT.done) return migrated.code;
    const summaries: SyncSummary[] = [];
    let worst: number = EXIT.done;
    for (const interval of INTERVALS) {
      if (interrupted) return EXIT.terminated;
      const { code, stdout } = await runCommand(["sync", interval, "--json"], env);
      if (stdout !== "") summaries.push(...(JSON.parse(stdout) as { intervals: SyncSummary[] }).intervals);
      if (code !== EXIT.done) worst = code;
    }
    if (interrupted) return EXIT.terminated;
    // makes the leaves of the next period, for whose lack the report would warn
    const maint = await runCommand(["maint"], env);
    const gaps = await runCommand(["gaps"], env);
    const checked = await runCommand(["verify"], env);
    const health = await runCommand(["health"], env);
    process.stdout.write(`\n${renderSummary(summaries)}\n${gaps.stdout}${checked.stdout}\n${health.stdout}`);
    process.stdout.write(`\nread it back: npm start -- candles BTCUSDT 1h --last 5\n`);
    return [worst, maint.code, checked.code, health.code].find((code) => code !== EXIT.done) ?? EXIT.done;
  } finally {
    await exchange.stop();
    await server.stop();
  }
}

process.exitCode = await main();
