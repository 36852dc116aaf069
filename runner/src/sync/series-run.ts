import pLimit from "p-limit";
import { EXIT, type ExitCode } from "../contract/exits.ts";
import type { Interval } from "../contract/intervals.ts";
import type { Coin } from "../db/coins.ts";
import type { RunItem } from "../db/runs.ts";
import { loadSeries } from "../db/series.ts";
import { messageOf, SettingsFault, TryAgain } from "../errors.ts";
import { isExchangeAway } from "../exchange/failure.ts";
import { collectItems, type SeriesResult } from "../run.ts";
import { countCandles } from "./fill-plan.ts";
import { itemOf } from "./series-item.ts";
import { createSeriesWork, type SeriesRun } from "./series-work.ts";

/** Series under way together: a minute job of 60 symbols takes one round trip to the exchange. */
const SERIES_AT_ONCE = 64;
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
  const { locks, signal, log } = run;
  const failures: unknown[] = [];
  const unlisted: unknown[] = [];
  const isAway = () =>
    failures.length >= GIVE_UP_AFTER &&
    items.every(({ outcome }) => outcome === "failure") &&
    failures.every(isExchangeAway);

  // with no more coins than work at once their order means nothing, and their sizes are found as they are loaded
  const order =
    coins.length > SERIES_AT_ONCE
      ? await orderBySize(run, interval, coins)
      : coins.map((coin) => ({ coin, candles: 0 }));
  run.progress.start(order.reduce((sum, { candles }) => sum + candles, 0));

  const work = createSeriesWork(run, interval);
  const workOn = async (coin: Coin, expected: number) => {
    if (signal.aborted || isAway()) return;
    const key = `${coin.symbol}:${interval}`;
    const series = { ...coin, interval, startedAt: performance.now() };
    if (!(await locks.tryLock("series", key))) {
      log.info(
        { symbol: coin.symbol, interval, "event.name": "series_skipped" },
        "[RUN] another holder is at work on this series",
      );
      run.progress.advance(expected);
      items.push(itemOf(series, { outcome: "skipped", error: null }));
      return;
    }
    try {
      const { item, failure, isUnlisted, stop } = await work(series, expected);
      if (item !== null) items.push(item);
      if (stop !== null) throw stop;
      if (failure !== null) (isUnlisted && !run.areNamed ? unlisted : failures).push(failure);
    } finally {
      if (!locks.lost.aborted) await locks.unlock("series", key);
    }
  };

  const atOnce = pLimit(run.seriesAtOnce ?? SERIES_AT_ONCE);
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
