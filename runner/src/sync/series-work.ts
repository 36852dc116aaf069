import pLimit from "p-limit";
import type { FirstPolicy } from "../candle/first-candle.ts";
import { coalesce } from "../coalesce.ts";
import type { Interval } from "../contract/intervals.ts";
import { findOthers } from "../db/candles.ts";
import { isGeneral } from "../db/fault.ts";
import { findDelisted, findTouching } from "../db/gap-reads.ts";
import type { RunItem } from "../db/runs.ts";
import { loadSeries, type SeriesState } from "../db/series.ts";
import { messageOf, Stopped } from "../errors.ts";
import { ExchangeFailure } from "../exchange/failure.ts";
import type { Logger } from "../log.ts";
import type { Progress } from "../progress.ts";
import { takeBackCover } from "./believed-cover.ts";
import { type FillTools, fillSeries, newTally, type Tally } from "./fill.ts";
import { countCandles, type Plan } from "./fill-plan.ts";
import { createFirstCandles } from "./first-candle.ts";
import { listTasks } from "./list-tasks.ts";
import { itemOf, logSeries, type StartedSeries } from "./series-item.ts";
import type { Work } from "./work.ts";
import type { Writer } from "./writer.ts";

export type SeriesRun = Work & {
  /** A person named the symbols: one that is listed no more is a fault. Else it is what happens to coins. */
  readonly areNamed: boolean;
  /** How eagerly first candles are asked for again. */
  readonly firstPolicy: FirstPolicy;
  /** Series under way together; undefined: the default of runSeries. */
  readonly seriesAtOnce: number | undefined;
  readonly writer: Writer;
  readonly log: Logger;
  readonly progress: Progress;
  readonly plan: (state: SeriesState, now: number) => Plan;
};

/** Full pages that are fetched or wait for their commit, over all series: about 0.5 MB each. */
const PAGES_AT_ONCE = 12;

/**
 * What became of a series. `failure`: what was wrong, null where nothing was; `isUnlisted`: the exchange does not know it;
 * `stop`: the error that ended the whole run in the middle of this series, else null.
 */
type SeriesEnd = {
  readonly item: RunItem | null;
  readonly failure: unknown;
  readonly isUnlisted: boolean;
  readonly stop: unknown;
};

/**
 * Makes the work on one series of a run, which must hold the series' lock. An error that concerns every series
 * comes back as `stop`. `expected`: candles that the progress counted for it.
 */
export function createSeriesWork(run: SeriesRun, interval: Interval) {
  const { db, exchange, log } = run;
  const load = coalesce((coinIds: readonly number[]) => loadSeries(db, interval, coinIds));
  const loadSound = async (coinId: number) => {
    const state = await load(coinId);
    if (state.fault !== undefined) throw new Error(state.fault);
    return state;
  };
  const withFirstCandle = createFirstCandles({ ...run, policy: run.firstPolicy }, loadSound);
  const pageSlots = pLimit(PAGES_AT_ONCE);

  return async (series: StartedSeries, expected: number): Promise<SeriesEnd> => {
    const reload = () => loadSound(series.coinId);
    const loading = reload();
    loading.catch(() => {}); // awaited below
    await run.believed;
    const tally = newTally();
    try {
      const stored = await takeBackCover({ db, log, reload }, await loading, exchange.now());
      const state = await withFirstCandle(stored);
      const plan = run.plan(state, exchange.now());
      run.progress.correct(countCandles(interval, plan.tasks) - expected);
      const tools: FillTools = {
        ...run,
        source: exchange,
        now: () => exchange.now(),
        gaps: {
          touching: (span) => findTouching(db, state, span),
          delisted: (span) => findDelisted(db, state, span),
        },
        findOthers: (span, openTimes) => findOthers(db, state, { ...span, openTimes }),
        pageSlots,
        onPage: run.progress.advance,
        tally,
      };
      const filled = await fillSeries(
        tools,
        state,
        listTasks(db, { series: state, plan, correct: run.progress.correct }),
      );
      logSeries(log, series, { tally, state: filled });
      const error = tally.failure?.message ?? null;
      const item = itemOf(series, { outcome: outcomeOf(tally), state: filled, tally, error });
      return { item, failure: tally.failure, isUnlisted: false, stop: null };
    } catch (error) {
      // these concern every series; all other errors are the series' own
      if (error instanceof Stopped || isGeneral(error)) return endStopped(series, tally, error);
      const isUnlisted = error instanceof ExchangeFailure && error.kind === "bad-symbol";
      return isUnlisted ? endUnlisted(run, series, error) : endFailed(run, { ...series, tally }, error);
    }
  };
}

function outcomeOf({ failedPages, pages }: Tally): RunItem["outcome"] {
  if (failedPages === 0) return "success";
  return failedPages < pages ? "partial" : "failure";
}

function endUnlisted({ areNamed, log }: SeriesRun, series: StartedSeries, failure: unknown): SeriesEnd {
  const { symbol, interval } = series;
  const error = `the exchange does not know ${symbol} any more; what is stored of it stays`;
  const facts = { symbol, interval, "event.name": "series_unlisted" };
  if (areNamed) log.error(facts, `[RUN] ${error}: take it out of the names`);
  else log.warn(facts, `[RUN] ${error}`);
  const item = itemOf(series, { outcome: areNamed ? "failure" : "skipped", error });
  return { item: { ...item, isUnlisted: true }, failure, isUnlisted: true, stop: null };
}

/** Null as item where nothing was stored yet: the next run begins the series anew. */
function endStopped(series: StartedSeries, tally: Tally, stop: unknown): SeriesEnd {
  const isBegun = tally.pages > tally.failedPages;
  // what failed before the stop is what a person has to see
  const isStopped = tally.failedPages === 0;
  const error = messageOf(isStopped ? stop : tally.failure);
  const item = isBegun ? { ...itemOf(series, { outcome: "partial", tally, error }), isStopped } : null;
  return { item, failure: null, isUnlisted: false, stop };
}

function endFailed(
  { log }: SeriesRun,
  { tally, ...series }: StartedSeries & { readonly tally: Tally },
  failure: unknown,
): SeriesEnd {
  const { symbol, interval } = series;
  const error = messageOf(failure);
  log.error({ symbol, interval, "event.name": "series_failed" }, `[RUN] series failed: ${error}`);
  const item = itemOf(series, { outcome: "failure", tally, error });
  return { item, failure, isUnlisted: false, stop: null };
}
