import type { Candle, Rejected } from "../candle/candle.ts";
import { type PageFacts, trimUnsettled } from "../candle/gap.ts";
import { listSlots, parsePage, restOf, sortOnce } from "../candle/page.ts";
import type { Span } from "../candle/span.ts";
import { type Interval, WIDTH_MS } from "../contract/intervals.ts";
import type { CandleSource } from "../exchange/exchange.ts";
import { ExchangeFailure, garbage } from "../exchange/failure.ts";
import { sleep } from "../sleep.ts";
import type { Task } from "./fill-plan.ts";

/** One task's answer: null facts where nothing of it is settled yet. */
export type FetchedPage = {
  readonly facts: PageFacts | null;
  readonly candles: readonly Candle[];
  readonly failure: ExchangeFailure | null;
};

/** A page of 1000 slots with some misaligned rows takes two; an exchange that always fills its answer would never end. */
const MOST_REQUESTS = 4;
/** A page with more broken rows than this, and than sound ones, is no page of candles but another form of answer. */
const MOST_BROKEN = 100;
/** A missing slot that closed less than this ago may still appear; older ones are gaps. */
const SETTLE_MS = 120_000;
/** Right after the full minute the newest candle is sometimes not there yet: asked once more after this. */
const LATE_CANDLE_MS = 1_000;

/** A series and where its candles come from. What has not closed at `now()` (ms, the exchange's clock) is no candle yet. */
export type PageSource = {
  readonly source: CandleSource;
  readonly now: () => number;
  readonly symbol: string;
  readonly interval: Interval;
  readonly signal: AbortSignal;
};

/** Fetches a task's span; a request that failed for good is a fact too. Throws only what ends the series or the run. */
export async function fetchPage(from: PageSource, task: Task): Promise<FetchedPage> {
  const { now, interval, signal } = from;
  const nothing = { span: { from: task.from, to: task.to }, slots: [], rejected: new Map(), failure: null };
  if (task.kind === "before_listing") return { facts: nothing, candles: [], failure: null };
  if (task.kind === "hidden") {
    const why = "a wrong first candle was believed, so that nobody asked for this";
    return { facts: { ...nothing, failure: why }, candles: [], failure: null };
  }
  try {
    const first = await fetchOnce(from, task);
    const page = isNewestMissing(from, task, first.facts.slots)
      ? await sleep(LATE_CANDLE_MS, signal).then(() => fetchOnce(from, task))
      : first;
    return { ...page, facts: trimUnsettled(interval, page.facts, now() - SETTLE_MS), failure: null };
  } catch (error) {
    // a symbol or request that the exchange refuses is no gap in time: it fails the series
    if (!(error instanceof ExchangeFailure) || error.kind === "bad-symbol" || error.kind === "bad-request")
      throw error;
    return { facts: { ...nothing, failure: error.message }, candles: [], failure: error };
  }
}

/** In a few requests where misaligned rows fill an answer; each is parsed as it comes, so that no raw answer is kept. */
async function fetchOnce({ source, now, symbol, interval }: PageSource, span: Span) {
  let candles: readonly Candle[] = [];
  const rejected = new Map<number, Rejected>();
  let rest: Span | null = span;
  for (let requests = 0; rest !== null; requests += 1) {
    if (requests === MOST_REQUESTS)
      throw garbage(`${MOST_REQUESTS} full answers did not reach the end of a page`);
    const rows: readonly unknown[] = await source.fetchRows(symbol, interval, rest);
    const part = parsePage(interval, rest, rows, now());
    if (part.isFiner) throw garbage(`the rows are of a finer interval than ${interval}`);
    // an answer without an order may end in its middle, and the next one then brings some of its candles again
    candles = requests === 0 ? part.candles : sortOnce([...candles, ...part.candles]);
    for (const [slot, broken] of part.rejected) rejected.set(slot, broken);
    const [first] = rejected.values();
    if (first !== undefined && rejected.size > Math.max(MOST_BROKEN, candles.length))
      throw garbage(`most rows of the page cannot be right, the first one: ${first.reason}`);
    rest = restOf(interval, rest, rows);
  }
  return { candles, facts: { span, slots: listSlots(interval, candles), rejected, failure: null } };
}

/** The one slot that closed within the last seconds is missing, and the one before it is not: late, not halted. */
function isNewestMissing({ now, interval }: PageSource, span: Span, slots: readonly number[]): boolean {
  const width = WIDTH_MS[interval];
  const newest = span.to - width;
  return now() - span.to < 10_000 && slots.at(-1) === newest - width;
}
