import type { LimitFunction } from "p-limit";
import { type Gap, isDue } from "../candle/gap.ts";
import { WIDTH_MS } from "../candle/interval.ts";
import { planGapPages } from "../candle/page.ts";
import type { SeriesState } from "../db/series.ts";
import type { Exchange } from "../exchange/exchange.ts";
import type { ExchangeFailure } from "../exchange/failure.ts";
import { applyPage } from "./apply.ts";
import { type FetchedPage, fetchPage } from "./fetch-page.ts";
import { countCandles, type Task } from "./plan.ts";
import type { Writer } from "./writer.ts";

/** What the work on one series has in common with all others of the run. */
export type FillTools = {
  readonly exchange: Exchange;
  readonly writer: Writer;
  /** Bounds the full pages that are fetched or wait for their commit, over all series: memory does not grow with a span. */
  readonly pageSlots: LimitFunction;
  readonly signal: AbortSignal;
  /** Told of each stored page with the candles that it asked for. */
  readonly onPage: (asked: number) => void;
};

/** Counts of one series' work, in candles and pages. */
export type Tally = {
  pages: number;
  failedPages: number;
  added: number;
  repaired: number;
  revised: number;
  failure: ExchangeFailure | null;
};

/** Pages of one series that are under way together; they are still committed in order. */
const PAGES_AHEAD = 16;

/** A page of so few takes no place: the 60 requests of a minute job go out at once. */
const FEW_CANDLES = 100;

type Fetch = { readonly task: Task; readonly page: Promise<FetchedPage>; readonly release: () => void };

/**
 * Fetches the tasks' pages ahead of each other and commits them in order, each with coverage, last timestamp and
 * gaps in one transaction; then asks once more for the gaps that it found. Must run under the series' lock.
 */
export async function fillSeries(
  tools: FillTools,
  start: SeriesState,
  tasks: readonly Task[],
): Promise<[SeriesState, Tally]> {
  const tally: Tally = { pages: 0, failedPages: 0, added: 0, repaired: 0, revised: 0, failure: null };
  const known = new Set(start.gaps.map(({ id }) => id));
  const filled = await fillTasks(tools, start, tasks, tally);
  const found = filled.gaps.filter((gap) => !known.has(gap.id) && isWorthAsking(gap, tools.exchange.now()));
  const isAway = tally.failedPages === tally.pages;
  if (found.length === 0 || isAway) return [filled, tally];
  const again = planGapPages(start.interval, found).map((span): Task => ({ ...span, kind: "fetch" }));
  return [await fillTasks(tools, filled, again, tally), tally];
}

function isWorthAsking(gap: Gap, now: number): boolean {
  return gap.state === "open" && (gap.reason === "absent" || gap.reason === "invalid" || isDue(gap, now));
}

async function fillTasks(
  tools: FillTools,
  start: SeriesState,
  tasks: readonly Task[],
  tally: Tally,
): Promise<SeriesState> {
  const { exchange, writer } = tools;
  const over = new AbortController();
  const signal = AbortSignal.any([tools.signal, over.signal]);
  const waiting = tasks.slice();
  const underway: Fetch[] = [];
  const commits: Promise<void>[] = [];
  let state = start;
  try {
    for (;;) {
      signal.throwIfAborted();
      while (underway.length < PAGES_AHEAD && waiting.length > 0) {
        const task = waiting.shift();
        if (task !== undefined) underway.push(startFetch({ ...tools, signal }, state, task));
      }
      const next = underway.shift();
      if (next === undefined) break;
      const page = await next.page;
      tally.pages += 1;
      if (page.failure !== null) {
        tally.failedPages += 1;
        tally.failure = page.failure;
      }
      if (page.facts === null) {
        next.release();
        continue;
      }
      const applied = applyPage(state, page.facts, page.candles, exchange.now());
      state = applied.state;
      const commit = writer(applied.write)
        .then(({ added, revised }) => {
          tally.added += added - applied.repaired;
          tally.repaired += applied.repaired;
          tally.revised += revised;
          tools.onPage((next.task.to - next.task.from) / WIDTH_MS[state.interval]);
        })
        .finally(next.release);
      // a refused write ends the series now, not after the pages that are still to be fetched
      commit.catch((error: unknown) => over.abort(error));
      commits.push(commit);
    }
  } finally {
    over.abort(new Error("the work on the series is over"));
    for (const { release } of underway) release();
    // what was submitted is stored also when the run is being stopped
    await Promise.allSettled(commits);
  }
  await Promise.all(commits);
  return state;
}

function startFetch(
  { exchange, pageSlots, signal }: FillTools,
  { symbol, interval }: SeriesState,
  task: Task,
): Fetch {
  const committed = Promise.withResolvers<void>();
  const page = Promise.withResolvers<FetchedPage>();
  page.promise.catch(() => {}); // the series takes pages in order, so a later one may fail before anybody listens
  const work = async () => {
    try {
      signal.throwIfAborted();
      page.resolve(await fetchPage(exchange, symbol, interval, task, signal));
      await committed.promise;
    } catch (error) {
      page.reject(error);
    }
  };
  void (countCandles(interval, [task]) > FEW_CANDLES ? pageSlots(work) : work());
  return { task, page: page.promise, release: () => committed.resolve() };
}
