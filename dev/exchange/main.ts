import { once } from "node:events";
import { Command, InvalidArgumentError } from "commander";
import { z } from "zod";
import { EXIT } from "../../runner/src/contract/exits.ts";
import { parseCommandLine } from "../command-line.ts";
import { startExchange } from "./exchange.ts";
import { type FaultRule, faultRule } from "./faults.ts";

function parseNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new InvalidArgumentError("not a number");
  return value;
}

function parseWeightLimit(text: string): number | "none" {
  return text === "none" ? text : parseNumber(text);
}

/** Reads `kind:name=value,name=value`; numbers are taken as numbers, lists are parted by a semicolon. */
function parseFault(text: string, earlier: FaultRule[]): FaultRule[] {
  const colon = text.indexOf(":");
  const kind = colon < 0 ? text : text.slice(0, colon);
  const settings = colon < 0 ? [] : text.slice(colon + 1).split(",");
  const fields = settings.map((setting): [string, unknown] => {
    const [name = "", value = ""] = setting.split("=");
    if (name === "slots") return [name, value.split(";").map(Number)];
    return [name, /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value];
  });
  const rule = faultRule.safeParse({ kind, ...Object.fromEntries(fields) });
  if (!rule.success) throw new InvalidArgumentError(z.prettifyError(rule.error));
  return [...earlier, rule.data];
}

type Flags = {
  port: number;
  host: string;
  latency: number;
  symbols: number;
  weightLimit: number | "none";
  fault: FaultRule[];
  recorded: boolean;
  clockOffsetMs: number;
};

const program = new Command("npm run exchange --")
  .description(
    "A simulated exchange that answers as Binance's spot REST API does. Settings: GET and POST /control.",
  )
  .option("--port <number>", "port, 0 for any free one", parseNumber, 8080)
  .option("--host <address>", "address to listen on", "127.0.0.1")
  .option("--latency <ms>", "wait before every answer", parseNumber, 0)
  .option("--symbols <count>", "trading USDT symbols", parseNumber, 60)
  .option("--weight-limit <weight>", "weight a minute, or none", parseWeightLimit, 6000)
  .option("--fault <kind:name=value,...>", "a fault rule, repeatable", parseFault, [])
  .option("--no-recorded", "generated candles only, so that all intervals reconcile")
  .option("--clock-offset-ms <ms>", "how far the exchange's clock is ahead", parseNumber, 0)
  .action(() => {});

/** What the system says of a port or address that it does not give. */
const REFUSALS: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program listens there; take another --port, 0 for any free one",
  EACCES: "this account may not listen there; take a --port of 1024 or more",
  EADDRNOTAVAIL: "this machine has no such address",
};

/** Answers until a signal comes; returns the exit code. */
async function answer(flags: Flags): Promise<number> {
  const options = {
    port: flags.port,
    host: flags.host,
    latencyMs: flags.latency,
    symbols: flags.symbols,
    weightLimit: flags.weightLimit,
    faults: flags.fault,
    recorded: flags.recorded,
    clock: { offsetMs: flags.clockOffsetMs },
  };
  const exchange = await startExchange(options).catch((error: NodeJS.ErrnoException) => {
    const refusal = REFUSALS[error.code ?? ""];
    if (refusal === undefined) throw error;
    process.stderr.write(`error: ${flags.host}:${flags.port}: ${refusal}\n`);
    return null;
  });
  if (exchange === null) return EXIT.failed;
  process.stdout.write(`simulated exchange at ${exchange.url}\n`);
  await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  await exchange.stop();
  return EXIT.done;
}

process.exitCode =
  (await parseCommandLine(program, process.argv.slice(2))) ?? (await answer(program.opts<Flags>()));
