import type { Gap } from "../candle/gap.ts";
import { isDue } from "../candle/gap.ts";
import { slotAtOrAfter, slotOf, WIDTH_MS } from "../candle/interval.ts";
import { planGapPages, splitPages } from "../candle/page.ts";
import { intersect, type Span, spanOf, subtract } from "../candle/span.ts";
import type { Interval } from "../contract.ts";

/** What planning needs to know of a series; times in ms. */
export type SeriesFacts = {
  readonly interval: Interval;
  readonly covered: Span | null;
  readonly gaps: readonly Gap[];
  readonly firstCandle: number | null;
};

/** One step of a series' work: a request, or a stretch before the listing that needs none. */
export type Task = Span & { readonly kind: "fetch" | "before_listing" };

/** Candles behind the newest stored one that every sync asks for again: closed candles change now and then. */
export const OVERLAP_CANDLES = 4;

/** Sync also heals what failed lately, but a big backlog belongs to `gaps --repair`, not to the minute job. */
const REPAIR_PAGES_PER_SYNC = 2;

/**
 * The window of a sync: from the newest stored candle minus the overlap (`autoPeriod`), or everything since
 * `fallbackStart` that is not covered, up to the last slot that closed before `now`; then what failed lately.
 */
export function planSync(
  series: SeriesFacts,
  { now, autoPeriod, fallbackStart }: { now: number; autoPeriod: boolean; fallbackStart: number },
): readonly Task[] {
  const { interval, covered, firstCandle } = series;
  const to = slotOf(interval, now);
  const listed = firstCandle === null ? 0 : slotOf(interval, firstCandle);
  const start = Math.max(slotAtOrAfter(interval, fallbackStart), listed);
  const windows: Span[] = [];
  // a backfill may have ended before the listing: what lies between is known without a request
  const unlisted = covered === null ? null : spanOf(covered.to, Math.min(listed, to));
  if (covered === null) {
    windows.push(...pagesOf(interval, spanOf(start, to), false));
  } else {
    const overlap = Math.max(covered.from, covered.to - (OVERLAP_CANDLES + 1) * WIDTH_MS[interval]);
    const from = unlisted === null ? overlap : unlisted.to;
    windows.push(...pagesOf(interval, spanOf(Math.min(from, to), to), false));
    if (!autoPeriod) windows.push(...pagesOf(interval, spanOf(start, covered.from), true));
  }
  const failed = series.gaps
    .filter((gap) => gap.reason === "failed" && isDue(gap, now))
    .flatMap((gap) => subtract(gap, windows));
  const pages = [...windows, ...planGapPages(interval, failed).slice(0, REPAIR_PAGES_PER_SYNC)].map(
    fetchTask,
  );
  return unlisted === null ? pages : [{ ...unlisted, kind: "before_listing" }, ...pages];
}

/** All of `wanted` that is not covered, and the open gaps in it. Newest first where it lies before what is stored. */
export function planBackfill(series: SeriesFacts, wanted: Span, now: number): readonly Task[] {
  const { interval, covered, firstCandle } = series;
  const whole = spanOf(
    slotAtOrAfter(interval, wanted.from),
    Math.min(slotAtOrAfter(interval, wanted.to), slotOf(interval, now)),
  );
  if (whole === null) return [];
  const listed = firstCandle === null ? whole.from : Math.max(whole.from, slotOf(interval, firstCandle));
  const before = spanOf(whole.from, Math.min(listed, whole.to));
  const missing = subtract(whole, [
    ...(before === null ? [] : [before]),
    ...(covered === null ? [] : [covered]),
  ]);
  const pages = missing.flatMap((span) =>
    pagesOf(interval, span, covered !== null && span.from < covered.from),
  );
  const isKnown = before === null || (covered !== null && covered.from <= before.from);
  return [
    ...pages.map(fetchTask),
    ...planGapPages(interval, listAskable(series.gaps, whole, now)).map(fetchTask),
    ...(isKnown
      ? []
      : subtract(before, covered === null ? [] : [covered]).map(
          (span): Task => ({ ...span, kind: "before_listing" }),
        )),
  ];
}

/** What of the gap log is due, or all of it with `all`. */
export function planRepair(series: SeriesFacts, now: number, all: boolean): readonly Task[] {
  const asked = series.gaps.filter((gap) => (all ? gap.state !== "before_listing" : isDue(gap, now)));
  return planGapPages(series.interval, asked).map(fetchTask);
}

/** Open gaps in the span, cut to it; those that were never asked for are wanted now, the others when they are due. */
function listAskable(gaps: readonly Gap[], span: Span, now: number): Span[] {
  return gaps.flatMap((gap) => {
    const part = intersect(gap, span);
    return part !== null && (gap.reason === "not_requested" || isDue(gap, now)) ? [part] : [];
  });
}

function pagesOf(interval: Interval, window: Span | null, backwards: boolean): Span[] {
  return window === null ? [] : splitPages(interval, window, backwards);
}

function fetchTask({ from, to }: Span): Task {
  return { from, to, kind: "fetch" };
}

/** Candles that the tasks ask for at most. */
export function countCandles(interval: Interval, tasks: readonly Task[]): number {
  return tasks.reduce(
    (sum, { from, to, kind }) => sum + (kind === "fetch" ? (to - from) / WIDTH_MS[interval] : 0),
    0,
  );
}
