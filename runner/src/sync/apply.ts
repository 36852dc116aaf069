import { randomUUID } from "node:crypto";
import type { Candle } from "../candle/candle.ts";
import { type Gap, type PageFacts, planGaps } from "../candle/gap.ts";
import { separate } from "../candle/gap-overlap.ts";
import { between, hull, overlaps, type Span, subtract } from "../candle/span.ts";
import { WIDTH_MS } from "../contract/intervals.ts";
import type { SeriesState } from "../db/series.ts";
import type { PageWrite } from "../db/store.ts";

/** A page's effect: what to write, the state after it, and how many slots of known gaps it filled. */
type Applied = { readonly write: PageWrite; readonly state: SeriesState; readonly repaired: number };

/**
 * Adds a page to a series. The covered span grows to hold it; a stretch in between that nobody asked for goes into the
 * gap log, so that every slot of the covered span stays stored or logged at each commit. `now` by the exchange's clock.
 * `state.gaps` must hold every gap that touches the page or the stretch between.
 */
export function applyPage(
  state: SeriesState,
  { page, candles }: { readonly page: PageFacts; readonly candles: readonly Candle[] },
  now: number,
): Applied {
  const { interval, covered } = state;
  const newest =
    candles.length === 0 ? null : candles.reduce((max, { openTime }) => Math.max(max, openTime), 0);
  const lastTs = newest === null ? state.lastTs : Math.max(newest, state.lastTs ?? newest);
  const life = { firstCandle: state.firstCandle, trading: state.trading, lastTs };
  const { logged = [], doubled = [] } = Object.groupBy(separate(state.gaps), (gap) =>
    gap.state === "repaired" ? "doubled" : "logged",
  );
  const planned = planGaps(interval, logged, page, { covered, life, now, newId: randomUUID });
  const judged = reopen(logged, planned, lastTs);
  const isJudged = new Set(judged.map(({ id }) => id));
  const others = logged.filter(({ id }) => !isJudged.has(id));
  const changed = [
    ...judged,
    ...doubled,
    ...listNews(state.gaps, others),
    ...(covered === null ? [] : listSkipped(covered, page.span, logged)),
  ];
  const news = listNews(state.gaps, changed);
  const replaced = new Set(changed.map(({ id }) => id));
  const gaps = [
    ...state.gaps.filter(({ id }) => !replaced.has(id)),
    ...changed.filter((gap) => gap.state !== "repaired"),
  ];
  const next = covered === null ? page.span : hull(covered, page.span);
  return {
    write: {
      coinId: state.coinId,
      interval,
      candles,
      overlapsStored: covered !== null && overlaps(covered, page.span),
      covered: next,
      // of this page alone: what the series began with may have been deleted since, and refresh-lastts have lowered it
      lastTs: newest,
      gaps: news,
    },
    state: {
      ...state,
      covered: next,
      lastTs,
      gaps,
      openGaps: state.openGaps + countOpened(state.gaps, changed),
    },
    repaired: judged.reduce(
      (sum, gap) => sum + (gap.state === "repaired" ? (gap.to - gap.from) / WIDTH_MS[interval] : 0),
      0,
    ),
  };
}

/** Pages come oldest first: a gap that looked like the end of a delisted symbol is open once candles follow it. */
function reopen(known: readonly Gap[], judged: readonly Gap[], lastTs: number | null): readonly Gap[] {
  const isRefuted = (gap: Gap) => gap.state === "after_delisting" && lastTs !== null && gap.from < lastTs;
  const ids = new Set(judged.map(({ id }) => id));
  const all = [...judged, ...known.filter((gap) => isRefuted(gap) && !ids.has(gap.id))];
  return all.map((gap) => (isRefuted(gap) ? { ...gap, state: "open" } : gap));
}

/** A gap that a person wrote, or that stayed when the cover was cut, may lie in that stretch and keeps its row. */
function listSkipped(covered: Span, page: Span, logged: readonly Gap[]): readonly Gap[] {
  const skipped = between(covered, page);
  if (skipped === null) return [];
  return subtract(skipped, logged).map((span) => ({
    ...span,
    id: randomUUID(),
    state: "not_requested",
    reason: null,
    attempts: 0,
    evidence: {},
    nextCheckAt: null,
  }));
}

/** What need not be written again: a page that a sync asks for each minute says nothing new of its gaps. */
function listNews(known: readonly Gap[], changed: readonly Gap[]): readonly Gap[] {
  const before = new Map(known.map((gap) => [gap.id, gap]));
  return changed.filter((gap) => !isSame(gap, before.get(gap.id)));
}

/** Evidence that nothing was added to is the same object. */
function isSame(gap: Gap, before: Gap | undefined): boolean {
  if (before === undefined || gap.from !== before.from || gap.to !== before.to) return false;
  return (
    gap.state === before.state &&
    gap.reason === before.reason &&
    gap.attempts === before.attempts &&
    gap.nextCheckAt === before.nextCheckAt &&
    gap.evidence === before.evidence
  );
}

/** How many more gaps are open once `changed` rows have taken the place of known ones. */
function countOpened(known: readonly Gap[], changed: readonly Gap[]): number {
  const ids = new Set(changed.map(({ id }) => id));
  const before = known.filter(({ id, state }) => ids.has(id) && state === "open").length;
  return changed.filter(({ state }) => state === "open").length - before;
}
