import type { FirstWish } from "../candle/first-candle.ts";
import type { Context } from "../context.ts";
import type { CommandName, ExitCode } from "../contract.ts";
import type { Coin } from "../db/coins.ts";
import type { SeriesState } from "../db/series.ts";
import { messageOf } from "../errors.ts";
import { createProgress } from "../progress.ts";
import type { Plan } from "./plan.ts";
import { type Selection, takeShard } from "./selection.ts";
import { runSeries } from "./series-run.ts";
import { renderSummary, summarizeSync } from "./summary.ts";
import { resolveUniverse } from "./universe.ts";
import { type Work, type WorkSettings, withWork } from "./work.ts";
import { createWriter } from "./writer.ts";

/** A command that fills series of one interval: `sync`, `backfill` and `gaps --repair` differ in their plan only. */
export type FillCommand = {
  readonly command: CommandName;
  readonly args: string;
  readonly isBackground: boolean;
  readonly asJson: boolean;
  readonly acceptExchange: string | null;
  /** How eagerly first candles are asked for again. */
  readonly firstWish: FirstWish;
  readonly plan: (state: SeriesState, now: number) => Plan;
};

/** Runs the command over the selection and prints its summary, also when some series failed. */
export async function runFill(
  context: Context,
  settings: WorkSettings,
  fill: FillCommand,
  selection: Selection,
): Promise<ExitCode> {
  return withWork(context, settings, { ...fill, isReadOnly: false }, async (work) => {
    const coins = await resolveUniverse(work.db, work.locks, work.exchange, selection, context.log);
    return fillCoins(context, work, fill, selection, takeShard(coins, selection.shard));
  });
}

/** The same for coins that are known already. */
export async function fillCoins(
  context: Context,
  work: Work,
  fill: FillCommand,
  { interval }: Pick<Selection, "interval">,
  coins: readonly Coin[],
): Promise<ExitCode> {
  const { db, exchange, report, signal } = work;
  try {
    return await runSeries(
      {
        ...work,
        writer: createWriter(db, context.runId, work.locks.lost),
        log: context.log,
        progress: createProgress(`${fill.command} ${interval}`, context.isTerminal),
        plan: fill.plan,
        firstWish: fill.firstWish,
        onItem: (item) => report.items.push(item),
      },
      interval,
      coins,
    );
  } finally {
    // a scan that fails says nothing about the work, so it must not change how the run ends
    if (!work.locks.lost.aborted)
      await printSummary().catch((error: unknown) =>
        context.log.warn({ "event.name": "no_summary" }, `[HEALTH] no summary: ${messageOf(error)}`),
      );
    else context.log.debug({ aborted: signal.aborted }, "[RUN] no summary: the database is away");
  }

  async function printSummary() {
    const summaries = await summarizeSync(db, [interval], report.items, exchange.now());
    context.print(
      fill.asJson
        ? `${JSON.stringify({ runId: context.runId, intervals: summaries })}\n`
        : `${renderSummary(summaries)}\n`,
    );
  }
}
