import type { FirstPolicy } from "../candle/first-candle.ts";
import type { Context } from "../context.ts";
import type { CommandName } from "../contract/commands.ts";
import { EXIT, type ExitCode } from "../contract/exits.ts";
import type { Interval } from "../contract/intervals.ts";
import { type Coin, findCoins } from "../db/coins.ts";
import type { RunItem } from "../db/runs.ts";
import type { SeriesState } from "../db/series.ts";
import { messageOf } from "../errors.ts";
import { createProgress } from "../progress.ts";
import { renderResult } from "../result.ts";
import { collectItems, exitCodeOrThrow, type SeriesResult } from "../run.ts";
import type { Plan } from "./fill-plan.ts";
import { type NamedBy, type Selection, takeShard } from "./selection.ts";
import { runSeries } from "./series-run.ts";
import { countMissing, type MissingSymbols, NONE_MISSING, renderSummary, summarizeSync } from "./summary.ts";
import { faultOfSymbols, lookUpSymbols, refreshListings } from "./symbols.ts";
import { resolveUniverse } from "./universe.ts";
import { type Work, type WorkSettings, withWork } from "./work.ts";
import { createWriter } from "./writer.ts";

/** A command that fills series of one interval: `sync`, `backfill` and `gaps --repair` differ in their plan only. */
export type FillCommand = {
  readonly command: CommandName;
  readonly args: string;
  readonly isBackground: boolean;
  /** Series under way together; absent: as many as a minute job has. */
  readonly seriesAtOnce?: number;
  readonly asJson: boolean;
  readonly acceptExchange: string | null;
  /** How eagerly first candles are asked for again. */
  readonly firstPolicy: FirstPolicy;
  readonly plan: (state: SeriesState, now: number) => Plan;
};

/** What a command fills, and by which settings. */
export type FillRequest = {
  readonly settings: WorkSettings;
  readonly fill: FillCommand;
  readonly selection: Selection;
};

/** The work of one command on series of one interval. `areNamed`: a person named the symbols. */
export type FillWork = {
  readonly context: Context;
  readonly work: Work;
  readonly fill: FillCommand;
  readonly interval: Interval;
  readonly areNamed: boolean;
};

/** Runs the command over the selection and prints its summary, also when some series failed. */
export async function runFill(
  context: Context,
  { settings, fill, selection }: FillRequest,
): Promise<ExitCode> {
  const { interval, symbols, size, shard } = selection;
  return withWork(context, { ...fill, settings, isReadOnly: false }, async (work) => {
    if (symbols !== null) {
      const job = { context, work, fill, interval, areNamed: true };
      return fillNamed(job, selection.namedBy, takeShard(symbols, shard));
    }
    const coins = await resolveUniverse(work, size, context);
    return fillCoins({ context, work, fill, interval, areNamed: false }, takeShard(coins, shard));
  });
}

/**
 * Named symbols: first those that are stored, which need no listing, then those that the exchange knows. One that it
 * does not know ends the run with an error that names it, after all others were worked on.
 */
async function fillNamed(job: FillWork, namedBy: NamedBy, symbols: readonly string[]): Promise<SeriesResult> {
  const { db, exchange, believed } = job.work;
  return collectItems(async (items) => {
    const [stored] = await Promise.all([findCoins(db, symbols), believed]);
    const names = new Set(stored.map(({ symbol }) => symbol));
    const others = symbols.filter((symbol) => !names.has(symbol));
    const workOn = async (coins: readonly Coin[]): Promise<ExitCode> => {
      if (coins.length === 0) return EXIT.done;
      const result = await runCoins(job, coins);
      items.push(...result.items);
      return exitCodeOrThrow(result);
    };
    let missing = NONE_MISSING;
    const symbolOf = new Map(stored.map(({ coinId, symbol }) => [coinId, symbol]));
    const listDropped = () =>
      items.flatMap(({ coinId, isUnlisted = false }) => (isUnlisted ? (symbolOf.get(coinId) ?? []) : []));
    let fault: Error | null = null;
    const exits: ExitCode[] = [];
    try {
      exits.push(await workOn(stored));
      if (others.length > 0) {
        const lookup = await lookUpSymbols(db, exchange, others);
        missing = { ...missing, ...lookup };
        exits.push(await workOn(lookup.coins));
        fault = await faultOfSymbols({ db, exchange }, lookup, { namedBy, hasOthers: stored.length > 0 });
      }
      const stale = stored.filter(({ isFresh }) => !isFresh);
      const synced = new Set(items.flatMap(({ coinId, outcome }) => (outcome === "success" ? [coinId] : [])));
      if (stale.length > 0) await refreshListings({ db, exchange, log: job.context.log }, stale, synced);
    } finally {
      if (items.length > 0 || symbols.length === 0) {
        await summarize(job, items, { ...missing, dropped: listDropped() });
      }
    }
    if (fault !== null) throw fault;
    return exits.every((exit) => exit === EXIT.done) ? EXIT.done : EXIT.failed;
  });
}

/** The same for coins that are known already. */
async function fillCoins(job: FillWork, coins: readonly Coin[]): Promise<SeriesResult> {
  const result = await runCoins(job, coins);
  await summarize(job, result.items, NONE_MISSING);
  return result;
}

/** Works on the coins without a summary. */
export function runCoins(
  { context, work, fill, interval, areNamed }: FillWork,
  coins: readonly Coin[],
): Promise<SeriesResult> {
  return runSeries(
    {
      ...work,
      areNamed,
      writer: createWriter(work.db, context.runId, work.locks.lost),
      log: context.log,
      progress: createProgress(`${fill.command} ${interval}`, context.terminal),
      plan: fill.plan,
      firstPolicy: fill.firstPolicy,
      seriesAtOnce: fill.seriesAtOnce,
    },
    interval,
    coins,
  );
}

/** Prints what the run did; a scan that fails says nothing about the work, so it does not change how the run ends. */
async function summarize(
  { context, work, fill, interval }: FillWork,
  items: readonly RunItem[],
  missing: MissingSymbols,
): Promise<void> {
  const { db, exchange, locks, signal, believed } = work;
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
    const done = await summarizeSync(db, [interval], items, exchange.now());
    const summaries = done.map((summary) => countMissing(summary, missing));
    const { unanswered } = missing;
    const unknown = [...missing.unknown, ...missing.dropped];
    context.print(
      fill.asJson
        ? renderResult(fill.command, { runId: context.runId, intervals: summaries, unknown, unanswered })
        : `${renderSummary(summaries, missing)}\n`,
    );
  } catch (error) {
    context.log.warn({ "event.name": "no_summary" }, `[HEALTH] no summary: ${messageOf(error)}`);
  }
}
