import { type FirstPolicy, isPossibleFirst, judgeFirst, needOfFirst } from "../candle/first-candle.ts";
import { splitPages } from "../candle/page.ts";
import { findCoins } from "../db/coins.ts";
import { findRankingAge, listMembers } from "../db/members.ts";
import { loadSeries, type SeriesState } from "../db/series.ts";
import { type Exchange, WEIGHT, WEIGHT_PER_MINUTE } from "../exchange/exchange.ts";
import type { Logger } from "../log.ts";
import { renderCount, renderNumber, renderTable } from "../render.ts";
import { MINUTE_MS, renderDuration, renderTime } from "../time.ts";
import { believeCover } from "./believed-cover.ts";
import { countCandles, type Plan, type Task } from "./fill-plan.ts";
import type { FillCommand } from "./fill-run.ts";
import { askFirst } from "./first-candle.ts";
import { listTasks } from "./list-tasks.ts";
import { fetchRanking, listRanked } from "./ranking.ts";
import { type Selection, takeShard } from "./selection.ts";
import { faultOfSymbols, unreadableListings } from "./symbols.ts";
import type { Work } from "./work.ts";

type PlannedSeries = {
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
  /** What is wrong with the names, so that a run would end with 1. */
  readonly fault: Error | null;
  readonly interval: Selection["interval"];
  readonly series: readonly PlannedSeries[];
  readonly candles: number;
  readonly requests: number;
  readonly weight: number;
  readonly minutes: number;
};

type PreviewTools = Pick<Work, "db" | "exchange"> & {
  readonly log: Logger;
  /** Of the exchange's weight, which a run would take at most. */
  readonly weightShare: number;
};

/** Plans every series of the selection without a write: no coin, no ranking, no first candle is stored. */
export async function previewFill(
  tools: PreviewTools,
  selection: Selection,
  { plan, firstPolicy }: Pick<FillCommand, "plan" | "firstPolicy">,
): Promise<Preview> {
  const { db, exchange } = tools;
  const { interval } = selection;
  const { symbols, fault } = await chooseSymbols(tools, selection);
  if (fault !== null && symbols.length === 0) throw fault;
  const known = await loadSeries(
    db,
    interval,
    (await findCoins(db, symbols)).map(({ coinId }) => coinId),
  );
  const stateOf = new Map(known.map((state) => [state.symbol, state]));
  const series = await Promise.all(
    symbols.map(async (symbol): Promise<PlannedSeries> => {
      const stored = stateOf.get(symbol) ?? unknownSeries(symbol, interval);
      if (stored.fault !== undefined)
        return { symbol, from: null, to: null, candles: 0, requests: 0, fault: stored.fault };
      const covered = await believeCover(db, stored, exchange.now());
      const state = await withFirstNow(exchange, { ...stored, covered }, firstPolicy);
      return { symbol, ...(await sumUp(db, state, plan(state, exchange.now()))) };
    }),
  );
  const sum = (count: (planned: PlannedSeries) => number) =>
    series.reduce((total, planned) => total + count(planned), 0);
  const requests = sum(({ requests: own }) => own);
  const weight = requests * WEIGHT.klines;
  return {
    fault,
    interval,
    series,
    candles: sum(({ candles }) => candles),
    requests,
    weight,
    minutes: weight / (tools.weightShare * WEIGHT_PER_MINUTE),
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
  for await (const task of listTasks(db, { series, plan })) add(task);
  return sum;
}

export function renderPreview(preview: Omit<Preview, "fault">): string {
  const table = renderTable(
    ["symbol", "from", "to", "candles", "requests"],
    preview.series.map(({ symbol, from, to, candles, requests }) => [
      symbol,
      from === null ? "-" : renderTime(from),
      to === null ? "-" : renderTime(to),
      candles,
      requests,
    ]),
  );
  const faults = preview.series.flatMap(({ fault }) => (fault === undefined ? [] : [`\n${fault}`]));
  return `${table}${faults.join("")}\n${preview.interval}: ${renderCost([preview])}`;
}

/** What the requests of the previews cost together. */
export function renderCost(previews: readonly Omit<Preview, "fault">[]): string {
  const sum = (count: (preview: Omit<Preview, "fault">) => number) =>
    previews.reduce((total, preview) => total + count(preview), 0);
  const [candles, requests] = [sum((preview) => preview.candles), sum((preview) => preview.requests)];
  const minutes = sum((preview) => preview.minutes);
  return `${renderCount(candles, "candle")} at most, ${renderCount(requests, "request")}, weight ${renderNumber(sum(({ weight }) => weight))}: at least ${renderDuration(minutes * MINUTE_MS)}`;
}

/** The symbols that a run would work on, and what would be wrong with their names. */
async function chooseSymbols(
  tools: PreviewTools,
  { symbols, size, shard, namedBy }: Selection,
): Promise<{ readonly symbols: readonly string[]; readonly fault: Error | null }> {
  const { db, exchange } = tools;
  if (symbols === null) {
    const age = await findRankingAge(db);
    const members = age === null ? [] : (await listMembers(db, size)).map(({ symbol }) => symbol);
    const rankNow = async () =>
      listRanked(await fetchRanking({ ...tools, size, ageMs: null })).slice(0, size);
    const chosen = members.length > 0 ? members : await rankNow();
    return { symbols: takeShard(chosen, shard), fault: null };
  }
  const asked = takeShard(symbols, shard);
  const stored = new Set((await findCoins(db, asked)).map(({ symbol }) => symbol));
  const others = asked.filter((symbol) => !stored.has(symbol));
  if (others.length === 0) return { symbols: asked, fault: null };
  const { listings, unknown, unreadable } = await exchange.fetchListings(others);
  const coins = listings.map(({ symbol }) => ({ coinId: 0, symbol }));
  const failure = unreadable.length === 0 ? null : unreadableListings();
  const lookup = { coins, unknown, unanswered: unreadable, failure };
  const fault = await faultOfSymbols({ db, exchange }, lookup, { namedBy, hasOthers: stored.size > 0 });
  const isKnown = (symbol: string) => stored.has(symbol) || coins.some((coin) => coin.symbol === symbol);
  return { symbols: asked.filter(isKnown), fault };
}

/** The state with the first candle that a run would believe, which a preview does not store. */
async function withFirstNow(
  exchange: Exchange,
  state: SeriesState,
  policy: FirstPolicy,
): Promise<SeriesState> {
  const now = exchange.now();
  const need = needOfFirst(state, policy, now, now);
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
