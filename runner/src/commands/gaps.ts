import type { GapState } from "../candle/gap.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../contract/exits.ts";
import { INTERVALS, type Interval, WIDTH_MS } from "../contract/intervals.ts";
import { closeDatabase, openDatabase } from "../db/connect.ts";
import { countGaps, type GapFilter, type ListedGap, listGaps } from "../db/gap-list.ts";
import { waitForSchema } from "../db/schema/schema.ts";
import { renderNumber, renderTable } from "../render.ts";
import { parseIntervals, parseSymbols } from "../settings/parsers.ts";
import { repairGaps } from "../sync/repair.ts";
import { WORK_SETTINGS } from "../sync/work.ts";
import { parseTime, renderTime } from "../time.ts";
import { type Command, collectFaults, OPTION, parseReason } from "./command.ts";

/** Rows that a person reads. Laying out a table of 250,000 took 54 s, and nobody reads that. */
const SHOWN = 100;

const STATES: readonly GapState[] = [
  "open",
  "confirmed_absent",
  "before_listing",
  "after_delisting",
  "repaired",
];

export const gaps: Command = {
  name: "gaps",
  examples: [
    "gaps",
    "gaps --symbols BTCUSDT --state open,confirmed_absent",
    "gaps --repair",
    "gaps --repair --all --intervals 1h",
  ],
  define: (command) =>
    command
      .option("--repair", "ask the exchange again for what is due")
      .option("--all", "with --repair: also for what is not due yet")
      .option("--state <list>", `of ${STATES.join(", ")} (default: open)`)
      .option(...OPTION.symbols)
      .option(...OPTION.intervals)
      .option(...OPTION.from)
      .option(...OPTION.to)
      .option(...OPTION.acceptExchange)
      .option(...OPTION.dryRun)
      .option(...OPTION.deadline)
      .option(...OPTION.json),
  async run(context, _args, options) {
    const faults = collectFaults();
    const symbols = faults.take("--symbols", options.symbols, parseSymbols) ?? null;
    const intervals = faults.take("--intervals", options.intervals, parseIntervals) ?? null;
    const states = faults.take("--state", options.state ?? "open", parseStates) ?? [];
    const from = faults.take("--from", options.from, parseTime) ?? null;
    const to = faults.take("--to", options.to, parseTime) ?? null;
    const acceptExchange = faults.take("--accept-exchange", options.acceptExchange, parseReason) ?? null;
    const asJson = options.json === true;
    if (options.all === true && options.repair !== true) faults.note("--all belongs to --repair");
    const isNarrowed = [options.state, options.from, options.to].some((option) => option !== undefined);
    if (options.repair === true && isNarrowed) {
      faults.note(
        "--state, --from and --to narrow the list; --repair takes --symbols, --intervals and --all",
      );
    }
    if (from !== null && to !== null && from >= to)
      faults.note(`--from ${renderTime(from)} is not before --to ${renderTime(to)}`);
    if (acceptExchange !== null && options.repair !== true)
      faults.note("--accept-exchange belongs to --repair");
    if (options.repair !== true) {
      const { dbUrl } = faults.settings(context, ["dbUrl"]);
      return printGaps(context, dbUrl, { states, symbols, intervals, from, to }, asJson);
    }
    const settings = faults.settings(context, [...WORK_SETTINGS, "fallbackStart"]);
    return repairGaps(context, settings, {
      intervals: intervals ?? INTERVALS,
      symbols,
      all: options.all === true,
      isPreview: options.dryRun === true,
      asJson,
      acceptExchange,
    });
  },
};

async function printGaps(
  context: Context,
  dbUrl: string,
  filter: GapFilter,
  asJson: boolean,
): Promise<ExitCode> {
  const db = openDatabase(dbUrl, "gaps");
  try {
    await waitForSchema(db, 0, context.signal);
    const printPart = async (part: readonly ListedGap[]) => {
      context.signal.throwIfAborted();
      if (asJson) context.print(part.map((gap) => `${JSON.stringify(recordOf(gap))}\n`).join(""));
      else context.print(`${renderGaps(part)}\n`);
      await context.printed();
    };
    const listed = await listGaps(db, filter, printPart, asJson ? null : SHOWN);
    const more = asJson || listed < SHOWN ? 0 : (await countGaps(db, filter)) - listed;
    if (more > 0)
      context.print(
        `... and ${renderNumber(more)} more; --json prints all, and --symbols, --intervals, --state, --from and --to narrow the list\n`,
      );
    if (listed === 0 && !asJson) context.print("no such gaps\n");
  } finally {
    await closeDatabase(db);
  }
  return EXIT.done;
}

export function renderGaps(found: readonly ListedGap[]): string {
  return renderTable(
    ["symbol", "interval", "from", "to", "candles", "state", "why", "next check"],
    found.map((gap) => [
      gap.symbol,
      gap.interval,
      renderTime(gap.from),
      renderTime(gap.to),
      candlesOf(gap),
      gap.state,
      describe(gap),
      gap.nextCheckAt === null ? "-" : renderTime(gap.nextCheckAt),
    ]),
  );
}

function describe({ reason, attempts, evidence }: ListedGap): string {
  if (reason === "absent") return `absent in ${attempts} answer${attempts === 1 ? "" : "s"}`;
  if (reason === "not_requested") return "never asked for";
  return `${reason}: ${(evidence.error ?? "").slice(0, 60)}`;
}

function candlesOf({ from, to, interval }: { from: number; to: number; interval: Interval }): number {
  return (to - from) / WIDTH_MS[interval];
}

function recordOf(gap: ListedGap): Record<string, unknown> {
  const { coinId: _, ...rest } = gap;
  return {
    ...rest,
    from: renderTime(gap.from),
    to: renderTime(gap.to),
    candles: candlesOf(gap),
    nextCheckAt: gap.nextCheckAt === null ? null : renderTime(gap.nextCheckAt),
  };
}

function parseStates(text: string): readonly GapState[] {
  const asked = text.split(",").map((item) => item.trim());
  const unknown = asked.filter((item) => !STATES.some((state) => state === item));
  if (unknown.length > 0)
    throw new Error(`must be of ${STATES.join(", ")}, not ${JSON.stringify(unknown.join(","))}`);
  return STATES.filter((state) => asked.includes(state));
}
