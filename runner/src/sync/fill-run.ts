import type { FirstPolicy } from "../candle/first-candle.ts";
import type { Context } from "../context.ts";
import type { CommandName } from "../contract/commands.ts";
import { EXIT, type ExitCode } from "../contract/exits.ts";
import type { Interval } from "../contract/intervals.ts";
import { type Coin, findCoins } from "../db/coins.ts";
import type { SeriesState } from "../db/series.ts";
import { messageOf } from "../errors.ts";
import { createProgress } from "../progress.ts";
import type { Plan } from "./fill-plan.ts";
import { type Selection, takeShard } from "./selection.ts";
import { runSeries } from "./series-run.ts";
import { renderSummary, summarizeSync } from "./summary.ts";
import { faultOfSymbols, lookUpSymbols, refreshListings } from "./symbols.ts";
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
  readonly firstPolicy: FirstPolicy;
  readonly plan: (state: SeriesState, now: number) => Plan;
};

/** Runs the command over the selection and prints its summary, also when some series failed. */
export async function runFill(
  context: Context,
  settings: WorkSettings,
  fill: FillCommand,
  selection: Selection,
): Promise<ExitCode> {
  const { interval, symbols, size, shard } = selection;
  return withWork(context, settings, { ...fill, isReadOnly: false }, async (work) => {
    if (symbols === null) {
      const coins = await resolveUniverse(work, size, context);
      return fillCoins(context, work, fill, { interval, areNamed: false }, takeShard(coins, shard));
    }
    return fillNamed(context, work, fill, selection, takeShard(symbols, shard));
  });
}

/**
 * Named symbols: first those that are stored, which need no listing, then those that the exchange knows. One that it
 * does not know ends the run with an error that names it, after all others were worked on.
 */
async function fillNamed(
  context: Context,
  work: Work,
  fill: FillCommand,
  { interval, namedBy }: Selection,
  symbols: readonly string[],
): Promise<ExitCode> {
  const { db, exchange, report } = work;
  const [stored] = await Promise.all([findCoins(db, symbols), work.believed]);
  const names = new Set(stored.map(({ symbol }) => symbol));
  const others = symbols.filter((symbol) => !names.has(symbol));
  const workOn = (coins: readonly Coin[]) =>
    coins.length === 0 ? EXIT.done : runCoins(context, work, fill, { interval, areNamed: true }, coins);
  let fault: Error | null = null;
  const exits: ExitCode[] = [];
  try {
    exits.push(await workOn(stored));
    if (others.length > 0) {
      const lookup = await lookUpSymbols(db, exchange, others);
      exits.push(await workOn(lookup.coins));
      fault = await faultOfSymbols(db, exchange, lookup, { namedBy, hasOthers: stored.length > 0 });
    }
    const stale = stored.filter(({ isFresh }) => !isFresh);
    const synced = new Set(
      report.items.flatMap(({ coinId, outcome }) => (outcome === "success" ? [coinId] : [])),
    );
    if (stale.length > 0) await refreshListings(db, exchange, stale, synced, context.log);
  } finally {
    if (report.items.length > 0 || symbols.length === 0) await summarize(context, work, fill, interval);
  }
  if (fault !== null) throw fault;
  return exits.every((exit) => exit === EXIT.done) ? EXIT.done : EXIT.failed;
}

type Series = { readonly interval: Interval; readonly areNamed: boolean };

/** The same for coins that are known already. */
export async function fillCoins(
  context: Context,
  work: Work,
  fill: FillCommand,
  series: Series,
  coins: readonly Coin[],
): Promise<ExitCode> {
  try {
    return await runCoins(context, work, fill, series, coins);
  } finally {
    await summarize(context, work, fill, series.interval);
  }
}

function runCoins(
  context: Context,
  work: Work,
  fill: FillCommand,
  { interval, areNamed }: Series,
  coins: readonly Coin[],
): Promise<ExitCode> {
  return runSeries(
    {
      ...work,
      areNamed,
      writer: createWriter(work.db, context.runId, work.locks.lost),
      log: context.log,
      progress: createProgress(`${fill.command} ${interval}`, context.isTerminal),
      plan: fill.plan,
      firstPolicy: fill.firstPolicy,
      onItem: (item) => work.report.items.push(item),
    },
    interval,
    coins,
  );
}

/** Prints what the run did; a scan that fails says nothing about the work, so it does not change how the run ends. */
async function summarize(
  context: Context,
  { db, exchange, locks, report, signal, believed }: Work,
  fill: FillCommand,
  interval: Interval,
): Promise<void> {
  const isBelieved = await believed.then(
    () => true,
    () => false,
  );
  if (!isBelieved) return; // nothing was done, and the run's error says why
  if (locks.lost.aborted) {
    context.log.debug({ aborted: signal.aborted }, "[RUN] no summary: the database is away");
    return;
  }
  try {
    const summaries = await summarizeSync(db, [interval], report.items, exchange.now());
    context.print(
      fill.asJson
        ? `${JSON.stringify({ runId: context.runId, intervals: summaries })}\n`
        : `${renderSummary(summaries)}\n`,
    );
  } catch (error) {
    context.log.warn({ "event.name": "no_summary" }, `[HEALTH] no summary: ${messageOf(error)}`);
  }
}
