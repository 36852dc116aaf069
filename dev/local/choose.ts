import { ASKS_EXCHANGE, type CommandName } from "../../runner/src/contract/commands.ts";
import { SettingsFault, TryAgain } from "../../runner/src/errors.ts";
import { commandLine } from "../../runner/src/program-name.ts";
import { BINANCE_URL, type Exchange, isNamed, reachBinance, simulate } from "./exchange.ts";
import { type Kind, listExisting } from "./kinds.ts";

/** The database of a local command, and the exchange that it asks; null: it asks none. */
export type Choice = { readonly kind: Kind; readonly exchange: Exchange | null };

export type Wanted = {
  readonly command: CommandName;
  /** All words behind the command. */
  readonly args: readonly string[];
  /** Whether a person asked for the simulated exchange. */
  readonly isSimulated: boolean;
};

/**
 * A command that only reads takes the database that is there, the real one first, and asks no network which one: what a
 * query answers must not depend on the state of a line. A command that fetches takes the real exchange; made-up candles
 * where a person asks for them, or where the local database has no others.
 */
export async function choose({ command, args, isSimulated }: Wanted): Promise<Choice> {
  const existing = listExisting();
  const isFirstMigrate = command === "migrate" && existing.length === 0;
  if (isFirstMigrate || (command !== "doctor" && asksExchange(command, args)))
    return chooseByExchange({ command, args, isSimulated }, existing);
  const kind = pickExisting(isSimulated, existing);
  if (command !== "doctor") return { kind, exchange: null };
  // whether Binance answers is a finding of doctor
  const binance: Exchange = { kind, url: BINANCE_URL, async stop() {} };
  return { kind, exchange: kind === "simulated" ? await simulate() : binance };
}

function asksExchange(command: CommandName, args: readonly string[]): boolean {
  const asks = ASKS_EXCHANGE[command];
  return typeof asks === "string" ? args.includes(asks) : asks;
}

/** The database that is there, the real one first; throws a SettingsFault where there is none. */
export function pickExisting(isSimulated: boolean, existing: readonly Kind[] = listExisting()): Kind {
  const kind = isSimulated ? existing.find((each) => each === "simulated") : existing[0];
  if (kind !== undefined) return kind;
  const fetch = commandLine(`sync 1h --symbols BTCUSDT${isSimulated ? " --simulated" : ""}`);
  throw new SettingsFault([
    `DB_URL is not set, and there is no ${isSimulated ? "simulated " : ""}local database yet: npm start makes one, or ${fetch}`,
  ]);
}

async function chooseByExchange(
  { command, args, isSimulated }: Wanted,
  existing: readonly Kind[],
): Promise<Choice> {
  const answer = isSimulated ? await simulate() : await reachBinance();
  if (typeof answer !== "string") return { kind: answer.kind, exchange: answer };
  if (isNamed || existing[0] !== "simulated")
    throw new TryAgain(
      `${answer}. Try again, or use the simulated exchange and its own database: ${commandLine([command, ...args].map(quote).join(" "))} --simulated`,
    );
  process.stderr.write(`${answer}: going on with the simulated database\n`);
  return { kind: "simulated", exchange: await simulate() };
}

/** A word as a shell takes it. */
function quote(word: string): string {
  return /^[\w.,:/=+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
