import { type FirstWish, isPossibleFirst, judgeFirst, needOfFirst } from "../candle/first-candle.ts";
import { splitPages } from "../candle/page.ts";
import { type Coin, findCoins, findRankingAge, listMembers } from "../db/coins.ts";
import { readWished } from "../db/gap-reads.ts";
import { loadSeries, type SeriesState } from "../db/series.ts";
import { type Exchange, WEIGHT, WEIGHT_PER_MINUTE } from "../exchange/exchange.ts";
import { renderNumber, renderTable } from "../render.ts";
import { renderDuration, renderTime } from "../time.ts";
import { rankSymbols } from "../universe/plan.ts";
import { believeCover } from "./believed-cover.ts";
import type { FillCommand } from "./fill-run.ts";
import { askFirst } from "./first-candle.ts";
import { countCandles, type Plan, pageGaps, type Task } from "./plan.ts";
import { type Selection, takeShard } from "./selection.ts";
import { fetchCandidates, fetchKnownListings } from "./universe.ts";
import type { Work } from "./work.ts";

export type PlannedSeries = {
  readonly symbol: string;
  readonly from: number | null;
  readonly to: number | null;
  readonly candles: number;
  readonly requests: number;
  /** What is wrong with the stored series, so that a run would fail it. */
  readonly fault?: string;
};

/** What a run would ask for. `minutes`: at the given share of the exchange's weight, at least. */
export type Preview = {
  readonly interval: Selection["interval"];
  readonly series: readonly PlannedSeries[];
  readonly candles: number;
  readonly requests: number;
  readonly weight: number;
  readonly minutes: number;
};

/** Plans every series of the selection without a write: no coin, no ranking, no first candle is stored. */
export async function previewFill(
  { db, exchange }: Work,
  selection: Selection,
  weightShare: number,
  { plan, firstWish }: Pick<FillCommand, "plan" | "firstWish">,
): Promise<Preview> {
  const { interval } = selection;
  const symbols = takeShard(await listSymbols({ db, exchange }, selection), selection.shard).map(
    ({ symbol }) => symbol,
  );
  const known = await loadSeries(
    db,
    interval,
    (await findCoins(db, symbols, null)).map(({ coinId }) => coinId),
  );
  const stateOf = new Map(known.map((state) => [state.symbol, state]));
  const series = await Promise.all(
    symbols.map(async (symbol): Promise<PlannedSeries> => {
      const stored = stateOf.get(symbol) ?? unknownSeries(symbol, interval);
      if (stored.fault !== undefined)
        return { symbol, from: null, to: null, candles: 0, requests: 0, fault: stored.fault };
      const covered = await believeCover(db, stored, exchange.now());
      const state = await withFirstNow(exchange, { ...stored, covered }, firstWish);
      return { symbol, ...(await sumUp(db, state, plan(state, exchange.now()))) };
    }),
  );
  const sum = (count: (planned: PlannedSeries) => number) =>
    series.reduce((total, planned) => total + count(planned), 0);
  const requests = sum(({ requests: own }) => own);
  const weight = requests * WEIGHT.klines;
  return {
    interval,
    series,
    candles: sum(({ candles }) => candles),
    requests,
    weight,
    minutes: weight / (weightShare * WEIGHT_PER_MINUTE),
  };
}

/** Walks over the plan's requests, of which a long log has thousands, and keeps their sum. */
async function sumUp(
  db: Work["db"],
  series: SeriesState,
  plan: Plan,
): Promise<Omit<PlannedSeries, "symbol">> {
  const sum = { from: null as number | null, to: null as number | null, candles: 0, requests: 0 };
  const add = (task: Task) => {
    if (task.kind === "before_listing") return;
    sum.from = Math.min(sum.from ?? task.from, task.from);
    sum.to = Math.max(sum.to ?? task.to, task.to);
    sum.candles += countCandles(series.interval, [task]);
    sum.requests += splitPages(series.interval, task).length;
  };
  for (const task of plan.tasks) add(task);
  if (plan.gaps === null) return sum;
  for await (const task of pageGaps(series.interval, plan.gaps, readWished(db, series, plan.gaps))) add(task);
  return sum;
}

export function renderPreview(preview: Preview): string {
  const table = renderTable(
    ["symbol", "interval", "from", "to", "candles", "requests"],
    preview.series.map(({ symbol, from, to, candles, requests }) => [
      symbol,
      preview.interval,
      from === null ? "-" : renderTime(from),
      to === null ? "-" : renderTime(to),
      candles,
      requests,
    ]),
  );
  const { candles, requests, weight, minutes } = preview;
  const faults = preview.series.flatMap(({ fault }) => (fault === undefined ? [] : [`\n${fault}`]));
  return `${table}${faults.join("")}\n${renderNumber(candles)} candles at most, ${renderNumber(requests)} requests, weight ${renderNumber(weight)}: at least ${renderDuration(minutes * 60_000)}`;
}

async function listSymbols(
  { db, exchange }: Pick<Work, "db" | "exchange">,
  { symbols, size }: Selection,
): Promise<readonly Coin[]> {
  if (symbols === null) {
    const members = (await findRankingAge(db)) === null ? [] : await listMembers(db, size);
    return members.length > 0 ? members : rankNow(exchange, size);
  }
  const known = new Set((await findCoins(db, symbols, null)).map(({ symbol }) => symbol));
  const asked = symbols.filter((symbol) => !known.has(symbol));
  await fetchKnownListings(exchange, asked);
  return symbols.map((symbol) => ({ coinId: 0, symbol }));
}

async function rankNow(exchange: Exchange, size: number): Promise<readonly Coin[]> {
  return rankSymbols(await fetchCandidates(exchange))
    .slice(0, size)
    .map((symbol) => ({ coinId: 0, symbol }));
}

/** The state with the first candle that a run would believe, which nobody writes down here. */
async function withFirstNow(exchange: Exchange, state: SeriesState, wish: FirstWish): Promise<SeriesState> {
  const now = exchange.now();
  const need = needOfFirst(state, wish, now, now);
  if (need === "no" || need === "may") return state;
  const isThorough = need === "should" && state.lastTs !== null;
  const answer = await askFirst(exchange, state, isThorough);
  if (answer !== null) return { ...state, ...judgeFirst(state, answer, now, "") };
  return isPossibleFirst(state.firstCandle, now) ? state : { ...state, firstCandle: null };
}

function unknownSeries(symbol: string, interval: Selection["interval"]): SeriesState {
  return {
    coinId: 0,
    symbol,
    interval,
    covered: null,
    lastTs: null,
    gaps: [],
    gapsFrom: Number.NEGATIVE_INFINITY,
    failed: [],
    unlisted: [],
    openGaps: 0,
    firstCandle: null,
    trading: true,
  };
}
