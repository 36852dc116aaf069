import type { LimitFunction } from "p-limit";
import type { Gap } from "../candle/gap.ts";
import { isDue } from "../candle/gap-due.ts";
import { hull, intersect, type Span } from "../candle/span.ts";
import { WIDTH_MS } from "../contract/intervals.ts";
import type { SeriesState } from "../db/series.ts";
import type { CandleSource } from "../exchange/exchange.ts";
import type { ExchangeFailure } from "../exchange/failure.ts";
import { applyPage } from "./apply.ts";
import { type FetchedPage, fetchPage } from "./fetch-page.ts";
import { countCandles, type Task } from "./fill-plan.ts";
import { createGapMemory, type GapMemory, type GapSource } from "./gap-memory.ts";
import type { Writer } from "./writer.ts";

/** What the work on one series has in common with all others of the run. */
export type FillTools = {
  readonly source: CandleSource;
  /** The exchange's clock, ms. */
  readonly now: () => number;
  readonly writer: Writer;
  /** The gap log of the series. */
  readonly gaps: GapSource;
  /** Open times of the series' candles that are stored in the span and are not among `openTimes`. */
  readonly findOthers: (span: Span, openTimes: readonly number[]) => Promise<readonly number[]>;
  /** Bounds the full pages that are fetched or wait for their commit, over all series: memory does not grow with a span. */
  readonly pageSlots: LimitFunction;
  readonly signal: AbortSignal;
  /** Is called after each stored page with the number of candles that it asked for. */
  readonly onPage: (asked: number) => void;
  /** Counts up as pages are stored: a run that is stopped in the middle knows by it what it has done. */
  readonly tally: Tally;
};

/** Counts of one series' work, in candles and pages. `kept`: stored and asked for again, and in no answer any more. */
export type Tally = {
  pages: number;
  failedPages: number;
  added: number;
  repaired: number;
  revised: number;
  kept: number;
  keptFrom: number | null;
  failure: ExchangeFailure | null;
};

/** The counts before any work. */
export function newTally(): Tally {
  const counts = { pages: 0, failedPages: 0, added: 0, repaired: 0, revised: 0, kept: 0 };
  return { ...counts, keptFrom: null, failure: null };
}

/** Pages of one series that are under way together; they are still committed in order. */
const PAGES_AHEAD = 16;

/** A page of so few takes no place: the 60 requests of a minute job go out at once. */
const FEW_CANDLES = 100;

type Fetch = { readonly task: Task; readonly page: Promise<FetchedPage>; readonly release: () => void };

/** Stretches with gaps that are asked for once more: of a log with more than this the rest waits for its next check. */
const MOST_AGAIN = 5_000;

type Tasks = Iterable<Task> | AsyncIterable<Task>;

/**
 * Fetches the tasks' pages ahead of each other and commits them in order, each with coverage, last timestamp and
 * gaps in one transaction; then asks once more for the gaps that it found. Must run under the series' lock.
 */
export async function fillSeries(tools: FillTools, start: SeriesState, tasks: Tasks): Promise<SeriesState> {
  const { tally } = tools;
  const memory = createGapMemory(start, tools.gaps);
  const found = createFound(tools.now);
  const filled = await fillTasks({ tools, memory, look: found.look }, start, tasks);
  const isAway = tally.failedPages === tally.pages;
  if (found.spans.length === 0 || isAway) return filled;
  // each within its page: what lies between two pages may be what nobody asked for
  const again = found.spans
    .toSorted((a, b) => a.from - b.from)
    .map((span): Task => ({ ...span, kind: "fetch" }));
  return fillTasks({ tools, memory, look: () => {} }, filled, again);
}

/** What one series' work goes by, the first time and when it asks again. */
type Filling = {
  readonly tools: FillTools;
  readonly memory: GapMemory;
  readonly look: (known: readonly Gap[], page: Span, changed: readonly Gap[]) => void;
};

/** New gaps worth asking for at once: one stretch for each page, since a page of them can hold 500. */
function createFound(clock: () => number): { readonly spans: Span[]; readonly look: Filling["look"] } {
  const spans: Span[] = [];
  let fresh = new Set<string>();
  return {
    spans,
    look(known, page, changed) {
      const ids = new Set(known.map(({ id }) => id));
      const now = clock();
      // one that began in the page before and goes on in this one is as new as that
      const found = changed.filter(
        (gap) => (!ids.has(gap.id) || fresh.has(gap.id)) && isWorthAsking(gap, now),
      );
      fresh = new Set(found.map(({ id }) => id));
      const parts = found.flatMap((gap) => intersect(gap, page) ?? []);
      if (parts.length > 0 && spans.length < MOST_AGAIN) spans.push(parts.reduce(hull));
    },
  };
}

function isWorthAsking(gap: Gap, now: number): boolean {
  return gap.state === "open" && (gap.reason === "absent" || gap.reason === "invalid" || isDue(gap, now));
}

async function fillTasks(
  { tools, memory, look }: Filling,
  start: SeriesState,
  tasks: Tasks,
): Promise<SeriesState> {
  const { writer, tally } = tools;
  const over = new AbortController();
  const signal = AbortSignal.any([tools.signal, over.signal]);
  const waiting = Symbol.asyncIterator in tasks ? tasks[Symbol.asyncIterator]() : tasks[Symbol.iterator]();
  let isPlanned = false;
  const underway: Fetch[] = [];
  const commits = new Set<Promise<void>>();
  let state = start;
  /** What a page held is gone with its call: held until the next one comes, a page of each of 60 series is 30 MB. */
  const takePage = async () => {
    const [next] = underway;
    if (next === undefined) return;
    const page = await next.page;
    tally.pages += 1;
    if (page.failure !== null) {
      tally.failedPages += 1;
      tally.failure = page.failure;
    }
    if (page.facts === null) {
      underway.shift();
      next.release();
      return;
    }
    const { span } = page.facts;
    if (next.task.kind === "again" && page.failure === null) {
      const answered = page.candles.map(({ openTime }) => openTime);
      const kept = await tools.findOthers(span, answered);
      tally.kept += kept.length;
      tally.keptFrom ??= kept[0] ?? null;
    }
    const known = await memory.withGapsOf(state, span, page.candles.at(-1)?.openTime ?? null);
    const applied = applyPage(known, { page: page.facts, candles: page.candles }, tools.now());
    const changed = applied.write.gaps;
    look(known.gaps, span, changed);
    state = applied.state;
    underway.shift(); // whatever fails before this, its place is given back with those of the pages behind it
    const commit = writer(applied.write)
      .then(({ added, revised }) => {
        // the log can name a slot that is stored (a person wrote the row, or the cover was cut): nothing was filled
        const repaired = Math.min(added, applied.repaired);
        tally.added += added - repaired;
        tally.repaired += repaired;
        tally.revised += revised;
        tools.onPage((next.task.to - next.task.from) / WIDTH_MS[state.interval]);
        commits.delete(commit);
      })
      .finally(next.release);
    memory.changed(state, span, { gaps: changed, commit });
    // a refused write ends the series now, not after the pages that are still to be fetched
    commit.catch((error: unknown) => over.abort(error));
    commits.add(commit);
  };
  try {
    for (;;) {
      signal.throwIfAborted();
      while (underway.length < PAGES_AHEAD && !isPlanned) {
        const step = await waiting.next();
        isPlanned = step.done === true;
        if (step.done !== true) underway.push(startFetch({ ...tools, signal }, state, step.value));
      }
      if (underway.length === 0) break;
      await takePage();
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
  { source, now, pageSlots, signal }: FillTools,
  { symbol, interval }: SeriesState,
  task: Task,
): Fetch {
  const committed = Promise.withResolvers<void>();
  const page = Promise.withResolvers<FetchedPage>();
  page.promise.catch(() => {}); // the series takes pages in order, so a later one may fail before anybody listens
  const work = async () => {
    try {
      signal.throwIfAborted();
      page.resolve(await fetchPage({ source, now, symbol, interval, signal }, task));
      await committed.promise;
    } catch (error) {
      page.reject(error);
    }
  };
  void (countCandles(interval, [task]) > FEW_CANDLES ? pageSlots(work) : work());
  return { task, page: page.promise, release: () => committed.resolve() };
}
