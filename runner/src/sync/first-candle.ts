import { EARLIEST_MS } from "../candle/candle.ts";
import { type FirstPolicy, isPossibleFirst, judgeFirst, needOfFirst } from "../candle/first-candle.ts";
import { isDue } from "../candle/gap-due.ts";
import { slotOf } from "../candle/interval.ts";
import { parsePage } from "../candle/page.ts";
import { type Span, spanOf } from "../candle/span.ts";
import { WIDTH_MS } from "../contract/intervals.ts";
import { findFirstStored, setFirstCandle } from "../db/first-candle.ts";
import type { SeriesState } from "../db/series.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { ExchangeFailure } from "../exchange/failure.ts";
import type { Logger } from "../log.ts";
import { renderTime } from "../time.ts";
import type { Work } from "./work.ts";

/** How the runs of a command ask for first candles. */
type FirstAsking = Pick<Work, "db" | "exchange" | "exchangeUrl"> & {
  readonly log: Logger;
  readonly policy: FirstPolicy;
};

/** What is asked for again without need: so few that a minute job of 60 symbols does not notice it. */
const RECHECKS_PER_RUN = 3;

/**
 * Answers a series' state with the first candle that can be believed now, asked for again where that is due. Before the
 * first candle there is nothing to want, so a wrong one hides candles for as long as it is believed. An exchange that
 * does not answer leaves what was believed, unless nothing can be planned without an answer.
 */
export function createFirstCandles(asking: FirstAsking, reload: (coinId: number) => Promise<SeriesState>) {
  const { db, exchange, exchangeUrl, log, policy } = asking;
  let rechecks = RECHECKS_PER_RUN;
  // the first question of the run: the exchange's clock is not known before
  let startedAt: number | null = null;

  return async (state: SeriesState): Promise<SeriesState> => {
    const now = exchange.now();
    startedAt ??= now;
    const need =
      isListingDue(state, now) && policy === "due" ? "should" : needOfFirst(state, policy, now, startedAt);
    if (need === "no" || (need === "may" && rechecks <= 0)) return state;
    if (need === "may") rechecks -= 1;
    const isThorough = policy !== "at-times" && state.lastTs !== null;
    let answer: number | null;
    try {
      answer = await askFirst(exchange, state, isThorough);
    } catch (error) {
      if (need === "must" || !(error instanceof ExchangeFailure)) throw error;
      log.warn(
        { symbol: state.symbol, "event.name": "first_candle_kept" },
        `[RUN] the exchange did not say again which candle is the first; what was believed stays: ${error.message}`,
      );
      return state;
    }
    if (answer === null)
      return isPossibleFirst(state.firstCandle, now) ? state : { ...state, firstCandle: null };
    const stored = isThorough ? await findFirstStored(db, state.coinId, state.interval) : state.lastTs;
    // a stored candle refutes any first candle that is later
    const first = stored !== null && stored < slotOf(state.interval, answer) ? stored : answer;
    const next = judgeFirst(state, first, now, exchangeUrl);
    const isEarlier = state.firstCandle !== null && next.firstCandle !== state.firstCandle;
    await setFirstCandle(db, state.coinId, { ...next, before: state.firstCandle, now });
    if (next.firstCandle !== state.firstCandle)
      log.info(
        { symbol: state.symbol, "event.name": isEarlier ? "first_candle_changed" : "first_candle_set" },
        `[RUN] the first candle of ${state.symbol} is of ${renderTime(next.firstCandle)}${isEarlier ? `, and not of ${renderFirst(state.firstCandle)}` : ""}, says ${first === answer ? exchangeUrl : "a stored candle"}`,
      );
    return isEarlier ? reload(state.coinId) : { ...state, ...next };
  };
}

/** Open time of the first candle, null where there is none; `isThorough`: days before the answer are looked for too. */
export async function askFirst(
  exchange: Exchange,
  { symbol, firstCandle }: Pick<SeriesState, "symbol" | "firstCandle">,
  isThorough: boolean,
): Promise<number | null> {
  const answer = await exchange.fetchFirstOpen(symbol);
  if (answer === null || !isThorough || (firstCandle !== null && answer < firstCandle)) return answer;
  const findFirst = async (interval: "1m" | "1d", span: Span) => {
    const rows = await exchange.fetchRows(symbol, interval, span);
    return parsePage(interval, span, rows, exchange.now()).candles[0]?.openTime ?? null;
  };
  // one answer can be wrong: days before it, in one request for all of them, would show that
  const days = spanOf(EARLIEST_MS, slotOf("1d", answer));
  const earlier = days === null ? null : await findFirst("1d", days);
  if (earlier === null) return answer;
  const day = slotOf("1d", earlier);
  return (await findFirst("1m", { from: day, to: day + WIDTH_MS["1d"] })) ?? earlier;
}

/** A stretch before the listing whose time to be looked at has come, and has not been since. */
function isListingDue({ unlisted, firstEvidence }: SeriesState, now: number): boolean {
  const askedAt = firstEvidence?.askedAt ?? Number.NEGATIVE_INFINITY;
  return unlisted.some((gap) => isDue(gap, now) && askedAt < (gap.nextCheckAt ?? 0));
}

function renderFirst(ms: number | null): string {
  return ms !== null && Math.abs(ms) <= 8.64e15 ? renderTime(ms) : "a time that cannot be";
}
