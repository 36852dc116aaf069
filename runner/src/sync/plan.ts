import type { FirstEvidence } from "../candle/first-candle.ts";
import { askablePart, type Gap, isDue } from "../candle/gap.ts";
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
  readonly firstEvidence?: FirstEvidence | null;
};

/**
 * One step of a series' work: a request, or what is logged without one: a stretch before the listing, and a stretch that
 * a wrong first candle hid (`hidden`), which is a gap that is due at once.
 */
export type Task = Span & { readonly kind: "fetch" | "before_listing" | "hidden" };

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
  const refuted = series.gaps.flatMap((gap) => listRefuted(gap, listed));
  const failed = series.gaps.filter((gap) => gap.reason === "failed" && isDue(gap, now));
  const few = [...failed, ...(autoPeriod ? refuted : [])].flatMap((gap) => subtract(gap, windows));
  const pages = [
    ...windows,
    ...planGapPages(interval, few).slice(0, REPAIR_PAGES_PER_SYNC),
    ...(autoPeriod ? [] : planGapPages(interval, refuted)),
  ].map(fetchTask);
  return [
    ...(unlisted === null ? [] : [{ ...unlisted, kind: "before_listing" } as const]),
    ...pages,
    ...(autoPeriod ? listHidden(series, fallbackStart) : []),
  ];
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
    ...planGapPages(interval, listAskable(series.gaps, whole, listed, now)).map(fetchTask),
    ...(isKnown
      ? []
      : subtract(before, covered === null ? [] : [covered]).map(
          (span): Task => ({ ...span, kind: "before_listing" }),
        )),
  ];
}

/**
 * What of the gap log is due, or all of it with `all`. Of the time before the listing only what is not before it any more
 * is fetched; the rest is noted as looked at, where the first candle was asked for since it became due.
 */
export function planRepair(
  series: SeriesFacts,
  now: number,
  all: boolean,
  fallbackStart: number | null = null,
): readonly Task[] {
  const { interval, firstCandle, firstEvidence, gaps } = series;
  const listed = firstCandle === null ? 0 : slotOf(interval, firstCandle);
  const asked = gaps.flatMap((gap) => {
    if (gap.state === "before_listing") return firstCandle === null ? [] : listRefuted(gap, listed);
    return all || isDue(gap, now) ? [gap] : [];
  });
  const confirmed = gaps.flatMap((gap): Task[] => {
    const isSeen = gap.state === "before_listing" && isDue(gap, now) && firstEvidence != null;
    if (!isSeen || firstEvidence.askedAt < (gap.nextCheckAt ?? 0)) return [];
    const before = spanOf(gap.from, Math.min(gap.to, listed));
    return before === null ? [] : [{ ...before, kind: "before_listing" }];
  });
  return [
    ...planGapPages(interval, asked).map(fetchTask),
    ...confirmed,
    ...(fallbackStart === null ? [] : listHidden(series, fallbackStart)),
  ];
}

/** What of a stretch before the listing is not before it any more. */
function listRefuted(gap: Gap, listed: number): Span[] {
  const part = gap.state === "before_listing" ? askablePart(gap, listed) : null;
  return part === null ? [] : [part];
}

/** A series that begins where a wrong first candle made it begin lacks what lies before that, and no gap says so. */
function listHidden(
  { interval, covered, firstCandle, firstEvidence }: SeriesFacts,
  fallbackStart: number,
): Task[] {
  if (covered === null || firstCandle === null || !firstEvidence) return [];
  if (!firstEvidence.refuted.some((wrong) => slotOf(interval, wrong) === covered.from)) return [];
  const start = Math.max(slotAtOrAfter(interval, fallbackStart), slotOf(interval, firstCandle));
  const hidden = spanOf(start, covered.from);
  return hidden === null ? [] : [{ ...hidden, kind: "hidden" }];
}

/**
 * Gaps in the span, cut to it: those that were never asked for and those that are not before the listing any more are
 * wanted now, the others when they are due.
 */
function listAskable(gaps: readonly Gap[], span: Span, listed: number, now: number): Span[] {
  return gaps.flatMap((gap) => {
    const part = askablePart(gap, listed);
    const wanted = part === null ? null : intersect(part, span);
    const isWanted = gap.state === "before_listing" || gap.reason === "not_requested" || isDue(gap, now);
    return wanted !== null && isWanted ? [wanted] : [];
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
    (sum, { from, to, kind }) => sum + (kind !== "before_listing" ? (to - from) / WIDTH_MS[interval] : 0),
    0,
  );
}
