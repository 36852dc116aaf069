import pLimit from "p-limit";
import type { FirstPolicy } from "../candle/first-candle.ts";
import type { Span } from "../candle/span.ts";
import { coalesce } from "../coalesce.ts";
import { EXIT, type ExitCode } from "../contract/exits.ts";
import type { Interval } from "../contract/intervals.ts";
import { findOthers } from "../db/candles.ts";
import type { Coin } from "../db/coins.ts";
import type { Database } from "../db/connect.ts";
import { isGeneral } from "../db/fault.ts";
import { findDelisted, findTouching, readRequested } from "../db/gap-reads.ts";
import type { LockSession } from "../db/lock.ts";
import type { RunItem } from "../db/runs.ts";
import { loadSeries, type SeriesState } from "../db/series.ts";
import { messageOf, SettingsFault, Stopped, TryAgain } from "../errors.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { ExchangeFailure, isTransient } from "../exchange/failure.ts";
import type { Logger } from "../log.ts";
import type { Progress } from "../progress.ts";
import { collectItems, type SeriesResult } from "../run.ts";
import { takeBackCover } from "./believed-cover.ts";
import { type FillTools, fillSeries } from "./fill.ts";
import { countCandles, type Plan, pageGaps, type Task } from "./fill-plan.ts";
import { createFirstCandles } from "./first-candle.ts";
import { itemOf, logSeries } from "./series-item.ts";
import type { Writer } from "./writer.ts";

export type SeriesRun = {
  readonly db: Database;
  readonly locks: LockSession;
  readonly exchange: Exchange;
  readonly exchangeUrl: string;
  /** Resolves when the exchange's clock and identity are believed: see Work. */
  readonly believed: Promise<void>;
  /** A person named the symbols: one that is listed no more is a fault. Else it is what happens to coins. */
  readonly areNamed: boolean;
  /** How eagerly first candles are asked for again. */
  readonly firstPolicy: FirstPolicy;
  readonly writer: Writer;
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly progress: Progress;
  readonly plan: (state: SeriesState, now: number) => Plan;
};

/** Series under way together: a minute job of 60 symbols takes one round trip to the exchange. */
const SERIES_AT_ONCE = 64;
/** Full pages that are fetched or wait for their commit, over all series: about 0.5 MB each. */
const PAGES_AT_ONCE = 12;
/** So many series in a row without one answer: the exchange is away, and asking for the rest only adds load. */
const GIVE_UP_AFTER = 8;

/**
 * Works on each coin's series of `interval` under its lock; one that another holder is at is skipped. Series with
 * little to do go first, so that a new one with years to fetch never makes the others stale.
 */
export async function runSeries(
  run: SeriesRun,
  interval: Interval,
  coins: readonly Coin[],
): Promise<SeriesResult> {
  return collectItems((items) => workOnAll(run, { interval, coins }, items));
}

async function workOnAll(
  run: SeriesRun,
  { interval, coins }: { readonly interval: Interval; readonly coins: readonly Coin[] },
  items: RunItem[],
): Promise<ExitCode> {
  const { db, locks, exchange, signal, log } = run;
  const load = coalesce((coinIds: readonly number[]) => loadSeries(db, interval, coinIds));
  const loadSound = async (coinId: number) => {
    const state = await load(coinId);
    if (state.fault !== undefined) throw new Error(state.fault);
    return state;
  };
  const withFirstCandle = createFirstCandles({ ...run, policy: run.firstPolicy }, loadSound);
  const pageSlots = pLimit(PAGES_AT_ONCE);
  const failures: unknown[] = [];
  const unlisted: unknown[] = [];
  const isAway = () =>
    failures.length >= GIVE_UP_AFTER &&
    items.every(({ outcome }) => outcome === "failure") &&
    failures.every(isExchangeAway);

  const order =
    coins.length > SERIES_AT_ONCE ? await orderBySize(run, interval, coins) : coins.map(asUnknown);
  run.progress.start(order.reduce((sum, { candles }) => sum + candles, 0));

  const workOn = async (coin: Coin, expected: number) => {
    if (signal.aborted || isAway()) return;
    const key = `${coin.symbol}:${interval}`;
    const startedAt = performance.now();
    const item = itemOf(coin.coinId, interval, startedAt);
    if (!(await locks.tryLock("series", key))) {
      log.info(
        { symbol: coin.symbol, interval, "event.name": "series_skipped" },
        "[RUN] another holder is at work on this series",
      );
      run.progress.advance(expected);
      items.push(item("skipped", null, null, null));
      return;
    }
    const reload = () => loadSound(coin.coinId);
    const loading = reload();
    loading.catch(() => {}); // awaited below
    await run.believed;
    try {
      const stored = await takeBackCover(db, await loading, exchange.now(), log, reload);
      const state = await withFirstCandle(stored);
      const plan = run.plan(state, exchange.now());
      run.progress.correct(countCandles(interval, plan.tasks) - expected);
      const gaps = {
        touching: (span: Span) => findTouching(db, state, span),
        delisted: (span: Span) => findDelisted(db, state, span),
      };
      const others: FillTools["findOthers"] = (span, openTimes) =>
        findOthers(db, state, { ...span, openTimes });
      const [filled, tally] = await fillSeries(
        {
          ...run,
          source: exchange,
          now: () => exchange.now(),
          gaps,
          findOthers: others,
          pageSlots,
          onPage: run.progress.advance,
        },
        state,
        listTasks(run, state, plan),
      );
      const outcome =
        tally.failedPages === 0 ? "success" : tally.failedPages < tally.pages ? "partial" : "failure";
      if (tally.failure !== null) failures.push(tally.failure);
      items.push(item(outcome, filled, tally, tally.failure?.message ?? null));
      logSeries(log, coin.symbol, interval, tally, filled, startedAt);
    } catch (error) {
      if (endsRun(error)) throw error;
      if (isUnlisted(error)) {
        const told = `the exchange does not know ${coin.symbol} any more; what is stored of it stays`;
        (run.areNamed ? failures : unlisted).push(error);
        items.push(item(run.areNamed ? "failure" : "skipped", null, null, told));
        const facts = { symbol: coin.symbol, interval, "event.name": "series_unlisted" };
        if (run.areNamed) log.error(facts, `[RUN] ${told}: take it out of the names`);
        else log.warn(facts, `[RUN] ${told}`);
        return;
      }
      failures.push(error);
      items.push(item("failure", null, null, messageOf(error)));
      log.error(
        { symbol: coin.symbol, interval, "event.name": "series_failed" },
        `[RUN] series failed: ${messageOf(error)}`,
      );
    } finally {
      if (!locks.lost.aborted) await locks.unlock("series", key);
    }
  };

  const atOnce = pLimit(SERIES_AT_ONCE);
  try {
    const settled = await Promise.allSettled(
      order.map(({ coin, candles }) => atOnce(() => workOn(coin, candles))),
    );
    const rejected = settled.find((result) => result.status === "rejected");
    if (rejected !== undefined) throw rejected.reason;
    if (items.length < order.length && !isAway()) signal.throwIfAborted();
  } finally {
    run.progress.stop();
  }
  // coins come and go; most of them at once is the exchange's fault, and no success
  if (unlisted.length * 2 > items.length) failures.push(...unlisted);
  return exitCodeOfSeries(items, failures);
}

/** The steps of the plan, and those for gaps as they are read: the progress learns of them as they come. */
async function* listTasks(
  { db, progress }: SeriesRun,
  series: SeriesState,
  plan: Plan,
): AsyncGenerator<Task> {
  yield* plan.tasks;
  if (plan.gaps === null) return;
  for await (const task of pageGaps(series.interval, plan.gaps, readRequested(db, series, plan.gaps))) {
    progress.correct(countCandles(series.interval, [task]));
    yield task;
  }
}

/** With no more coins than work at once their order means nothing, and their sizes are found as they are loaded. */
function asUnknown(coin: Coin): { coin: Coin; candles: number } {
  return { coin, candles: 0 };
}

async function orderBySize(run: SeriesRun, interval: Interval, coins: readonly Coin[]) {
  const { db, exchange, plan, believed } = run;
  const ids = coins.map(({ coinId }) => coinId);
  const [states] = await Promise.all([loadSeries(db, interval, ids), believed]);
  return states
    .map((state) => ({
      coin: { coinId: state.coinId, symbol: state.symbol },
      candles: state.fault === undefined ? countCandles(interval, plan(state, exchange.now()).tasks) : 0,
    }))
    .toSorted((a, b) => a.candles - b.candles);
}

/**
 * What the database refuses decides also beside series that succeeded: 78 where a right is missing, 75 where its disk is
 * full. 75 where no series succeeded because the exchange is away; 1 where some failed.
 */
function exitCodeOfSeries(items: readonly RunItem[], failures: readonly unknown[]): ExitCode {
  if (failures.length === 0) return EXIT.done;
  const refusal =
    failures.find((error) => error instanceof SettingsFault) ??
    failures.find((error) => error instanceof TryAgain);
  if (refusal !== undefined) throw refusal;
  const hasSuccess = items.some(({ outcome }) => outcome === "success" || outcome === "partial");
  if (!hasSuccess && failures.every(isExchangeAway)) {
    throw new TryAgain(
      `no series could be fetched: ${messageOf(failures[0])}; the gaps are logged, the next run asks again`,
    );
  }
  return EXIT.failed;
}

function isUnlisted(error: unknown): boolean {
  return error instanceof ExchangeFailure && error.kind === "bad-symbol";
}

function isExchangeAway(error: unknown): boolean {
  return error instanceof ExchangeFailure && isTransient(error.kind);
}

/** Errors that concern every series; all others fail their own one. */
function endsRun(error: unknown): boolean {
  return error instanceof Stopped || isGeneral(error);
}
