import { EXIT } from "../runner/src/contract/exits.ts";
import { INTERVALS } from "../runner/src/contract/intervals.ts";
import { SIMULATED } from "../runner/src/mark.ts";
import { renderSummary, type SyncSummary } from "../runner/src/sync/summary.ts";
import { letReaderLeave } from "./command-line.ts";
import { catchSignals } from "./install/run-child.js";
import { isNamed, reachBinance, simulate } from "./local/exchange.ts";
import { ABOUT, dataOf, type Kind, listExisting } from "./local/kinds.ts";
import { onServer, type Run } from "./local/run.ts";
import { runProgram } from "./program.ts";

/**
 * `npm start`: real candles of five markets into a real PostgreSQL of this folder, by the very commands that the jobs
 * run. A second run adds only what is new. `npm start -- COMMAND` is `./r3a COMMAND`.
 */

const say = (text: string) => process.stderr.write(`${text}\n`);

/** Every interval, then what a person wants to know: gaps, consistency, health. */
async function tour(run: Run, kind: Kind, isStopped: () => boolean): Promise<number> {
  const migrated = await run(["migrate"]);
  if (migrated.code !== EXIT.done) return migrated.code;
  const summaries: SyncSummary[] = [];
  let worst: number = EXIT.done;
  for (const interval of INTERVALS) {
    if (isStopped()) return EXIT.terminated;
    const { code, stdout } = await run(["sync", interval, "--json"]);
    // an interval that SYNC_INTERVALS leaves out has no summary
    if (stdout !== "")
      summaries.push(...((JSON.parse(stdout) as { intervals?: SyncSummary[] }).intervals ?? []));
    if (code !== EXIT.done) worst = code;
  }
  if (isStopped()) return EXIT.terminated;
  // makes the leaves of the next period, for whose lack the report would warn
  const maint = await run(["maint"]);
  const gaps = await run(["gaps"]);
  const checked = await run(["verify"]);
  const health = await run(["health"]);
  const report = `${renderSummary(summaries)}\n${gaps.stdout}${checked.stdout}\n${health.stdout}`;
  // each of the commands says it for itself
  const mark = kind === "simulated" ? `${SIMULATED}\n` : "";
  process.stdout.write(`\n${mark}${report.replaceAll(mark, "")}`);
  const option = kind === listExisting()[0] ? "" : " --simulated";
  process.stdout.write(`\nread it back: ./r3a candles BTCUSDT 1h --last 5${option}\n`);
  return [worst, maint.code, checked.code, health.code].find((code) => code !== EXIT.done) ?? EXIT.done;
}

async function start(): Promise<number> {
  letReaderLeave();
  const signals = catchSignals();
  const answer = await reachBinance();
  if (typeof answer === "string" && isNamed) {
    say(`${answer}. Try again; without EXCHANGE_URL npm start asks Binance, else the simulated exchange`);
    return EXIT.tryAgain;
  }
  if (typeof answer === "string") say(`${answer}: using the simulated exchange`);
  const exchange = typeof answer === "string" ? await simulate() : answer;
  const { kind } = exchange;
  say(kind === "binance" ? `exchange: ${exchange.url}` : `exchange: simulated (${ABOUT.simulated})`);
  try {
    return await onServer({ kind, exchange, signals }, (run) => {
      say(`database: ${dataOf(kind)}`);
      return tour(run, kind, () => signals.first !== undefined);
    });
  } finally {
    await exchange.stop();
  }
}

const words = process.argv.slice(2);
process.exitCode = words.length > 0 ? await runProgram(words) : await start();
