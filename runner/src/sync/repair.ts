import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../contract/exits.ts";
import { INTERVALS, type Interval } from "../contract/intervals.ts";
import { type Coin, listCoins } from "../db/coins.ts";
import { findCoinsDue } from "../db/gap-reads.ts";
import { renderArguments } from "../db/runs.ts";
import { collectItems, exitCodeOrThrow } from "../run.ts";
import type { Settings } from "../settings/table.ts";
import { planRepair } from "./fill-plan.ts";
import { type FillCommand, type FillWork, fillCoins } from "./fill-run.ts";
import { previewFill, renderPreview } from "./preview.ts";
import { type Work, type WorkSettings, weightShareOf, withWork } from "./work.ts";

export type RepairRequest = {
  readonly intervals: readonly Interval[];
  readonly symbols: readonly string[] | null;
  /** Also what is not due yet. */
  readonly all: boolean;
  readonly isPreview: boolean;
  readonly asJson: boolean;
  readonly acceptExchange: string | null;
};

/** Asks again for the gaps that are due, interval by interval, fine ones first; within the background's weight. */
export async function repairGaps(
  context: Context,
  settings: WorkSettings & Pick<Settings, "fallbackStart">,
  request: RepairRequest,
): Promise<ExitCode> {
  const fill: FillCommand = {
    command: "gaps",
    args: renderArguments([], {
      "--repair": true,
      "--all": request.all,
      "--intervals": request.intervals.length === INTERVALS.length ? null : request.intervals,
      "--symbols": request.symbols,
    }),
    isBackground: true,
    asJson: request.asJson,
    acceptExchange: request.acceptExchange,
    firstPolicy: request.all ? "always" : "due",
    plan: (state, now) => planRepair(state, now, request.all, settings.fallbackStart),
  };
  return withWork(context, { ...fill, settings, isReadOnly: request.isPreview }, (work) =>
    collectItems(async (items) => {
      await work.believed;
      const exits: ExitCode[] = [];
      for (const interval of request.intervals) {
        const coins = await listCoinsToAsk(work, interval, request);
        if (coins.length === 0) continue;
        const job = { context, work, fill, interval, areNamed: request.symbols !== null };
        if (request.isPreview) await printPreview(job, weightShareOf(settings, true), coins);
        else {
          const result = await fillCoins(job, coins);
          items.push(...result.items);
          exits.push(exitCodeOrThrow(result));
        }
      }
      return exits.every((exit) => exit === EXIT.done) ? EXIT.done : EXIT.failed;
    }),
  );
}

async function printPreview(
  { context, work, fill, interval }: FillWork,
  weightShare: number,
  coins: readonly Coin[],
): Promise<void> {
  const selection = {
    interval,
    symbols: coins.map(({ symbol }) => symbol),
    namedBy: "--symbols" as const,
    size: coins.length,
    shard: { index: 0, count: 1 },
  };
  const tools = { ...work, log: context.log, weightShare };
  const { fault: _, ...preview } = await previewFill(tools, selection, fill);
  context.print(`${fill.asJson ? JSON.stringify(preview) : renderPreview(preview)}\n`);
}

/** Those with a gap that is due; with `all` every coin of the interval, since its first candle is asked for again. */
async function listCoinsToAsk(
  { db, exchange }: Work,
  interval: Interval,
  { symbols, all }: RepairRequest,
): Promise<readonly Coin[]> {
  if (all) return (await listCoins(db, interval)).filter(({ symbol }) => symbols?.includes(symbol) ?? true);
  return findCoinsDue(db, interval, { symbols, now: exchange.now() });
}
