import type { Command as Commander } from "commander";
import type { Context } from "../context.ts";
import type { CommandName } from "../contract/commands.ts";
import type { ExitCode } from "../contract/exits.ts";
import { Checked, messageOf, SettingsFault, UsageFault } from "../errors.ts";
import { parseBeginning, parseMoment } from "../settings/moment.ts";
import { parseSettings } from "../settings/parse.ts";
import { parseInterval, parseSymbols } from "../settings/parsers.ts";
import { SETTINGS, type Settings } from "../settings/table.ts";
import { type AskedSeries, parseShard } from "../sync/selection.ts";
import { renderTime } from "../time.ts";

/** Raw options as commander gives them: text, or true for a flag. */
export type RawOptions = Readonly<Record<string, string | boolean | undefined>>;

/**
 * A command of the runner. `define` declares arguments and options as text; `run` parses them and reports all their
 * faults together.
 */
export type Command = {
  readonly name: CommandName;
  readonly examples: readonly string[];
  readonly define: (command: Commander) => void;
  readonly run: (context: Context, args: readonly string[], options: RawOptions) => Promise<ExitCode>;
};

/** The settings of every command that has a run. */
const OF_EACH_RUN = ["runId", "runOrigin", "logLevel"] as const;

/** Collects the faults of arguments and settings, so that a person mends all of them at once. */
export type Faults = {
  /** Parses a text. Undefined where it is absent, and where it is wrong: the fault is noted under `label`. */
  take<T>(label: string, text: string | boolean | undefined, parse: (text: string) => T): T | undefined;
  note(fault: string): void;
  list(): readonly string[];
  /**
   * Parses settings and throws everything noted so far: UsageFault where an argument is wrong, else SettingsFault. Each
   * command calls it before any work, since a check ends here.
   */
  settings<K extends keyof Settings>(context: Context, needed: readonly K[]): Pick<Settings, K>;
};

export function collectFaults(): Faults {
  const faults: string[] = [];
  return {
    take(label, text, parse) {
      if (typeof text !== "string") return undefined;
      try {
        return parse(text);
      } catch (error) {
        faults.push(`${label} ${messageOf(error)}`);
        return undefined;
      }
    },
    note: (fault) => faults.push(fault),
    list: () => faults,
    settings(context, needed) {
      const ofArguments = [...faults, ...context.faults];
      try {
        // every command that needs settings has a run; doctor needs none, and reports the faults of each setting itself
        const all = needed.length === 0 ? needed : [...needed, ...OF_EACH_RUN];
        const settings = parseSettings(context.env, all);
        if (ofArguments.length > 0) throw new UsageFault(ofArguments);
        if (context.isCheck) throw new Checked();
        return settings;
      } catch (error) {
        if (error instanceof SettingsFault && ofArguments.length > 0)
          throw new UsageFault([...ofArguments, ...error.faults]);
        throw error;
      }
    },
  };
}

/** A list of names between commas, each one of `known`; the result has the order of `known`. */
export function parseList<T extends string>(text: string, known: readonly T[]): readonly T[] {
  const asked = text.split(",").map((item) => item.trim());
  const unknown = asked.filter((item) => !known.some((name) => name === item));
  if (unknown.length > 0)
    throw new Error(`must be a list of ${known.join(", ")}, not ${JSON.stringify(unknown.join(","))}`);
  return known.filter((name) => asked.includes(name));
}

/**
 * `--from` and `--to` in ms, null where they are absent (`--to`: `end`); notes a fault where the span would be empty. `--from`
 * alone may name the whole span.
 */
export function parsePeriod(
  faults: Faults,
  options: RawOptions,
  end: number | null = null,
): { readonly from: number | null; readonly to: number | null } {
  const now = Date.now();
  const begin = faults.take("--from", options.from, (text) => parseBeginning(text, now));
  const until = faults.take("--to", options.to, (text) => parseMoment(text, now));
  if (begin?.to !== undefined && options.to !== undefined)
    faults.note(`--from ${options.from} has an end already: leave out --to`);
  const from = begin?.from ?? null;
  const to = begin?.to ?? until ?? (options.to === undefined ? end : null);
  if (from !== null && to !== null && from >= to)
    faults.note(`--from ${renderTime(from)} is not before --to ${renderTime(to)}`);
  return { from, to };
}

/** The period of a backfill, which has no beginning of its own; it ends now where `--to` is absent. */
export function parseBackfillPeriod(faults: Faults, options: RawOptions): ReturnType<typeof parsePeriod> {
  const period = parsePeriod(faults, options, Date.now());
  if (options.from === undefined)
    faults.note("--from is missing: say where the backfill starts, e.g. --from 2024-01-01");
  return period;
}

/** INTERVAL, `--top`, `--symbols` and `--shard`; null where the interval is wrong, which is noted. */
export function parseSeries(
  faults: Faults,
  intervalText: string | undefined,
  options: RawOptions,
): AskedSeries | null {
  const interval = faults.take("INTERVAL", intervalText, parseInterval);
  const top = faults.take("--top", options.top, SETTINGS.universeSize.parse);
  const symbols = faults.take("--symbols", options.symbols, parseSymbols);
  const shard = faults.take("--shard", options.shard, parseShard);
  if (top !== undefined && symbols !== undefined) faults.note("--top and --symbols exclude each other");
  return interval === undefined ? null : { interval, top, symbols, shard };
}

/** Options that several commands share. They are declared once, so that they read the same in every help. */
export const OPTION = {
  json: ["--json", "print the result as JSON"],
  dryRun: ["--dry-run", "print the plan and change nothing"],
  deadline: ["--deadline <seconds>", "stop after this time; what is done is stored, exit 124"],
  top: ["--top <n>", "the n largest symbols by volume instead of UNIVERSE_SIZE"],
  symbols: ["--symbols <list>", "symbols instead of the largest by volume, e.g. BTCUSDT,eth/usdt"],
  storedSymbols: [
    "--symbols <list>",
    "only these symbols, e.g. BTCUSDT,eth/usdt (default: all that are stored)",
  ],
  intervals: ["--intervals <list>", "intervals, e.g. 1m,1h (default: all)"],
  from: [
    "--from <time>",
    "2026-01-31, 2026-01-31T12:00, -7d, yesterday, epoch ms, all UTC; or a span: 2026-01-01..2026-02-01",
  ],
  to: ["--to <time>", "end of the span, not included; as --from (default: now)"],
  acceptExchange: [
    "--accept-exchange <reason>",
    "take candles of a new EXCHANGE_URL that shows others than the stored ones; the reason is kept",
  ],
  again: ["--again", "ask for what is stored too: a candle that differs is replaced and kept as a revision"],
  shard: ["--shard <i/n>", "every n-th series from the i-th, counted from 0"],
} as const;

const LONGEST_REASON = 300;

/** A sentence that says why. The database keeps it. */
export function parseReason(text: string): string {
  const reason = text.trim().replace(/\s+/g, " ");
  if (reason.length >= 10 && reason.length <= LONGEST_REASON && !/\p{C}/u.test(reason)) return reason;
  throw new Error(`must be a sentence of 10 to ${LONGEST_REASON} letters that says why`);
}
