import type { FirstEvidence } from "../candle/first-candle.ts";
import type { Gap } from "../candle/gap.ts";
import { askablePart, isDue } from "../candle/gap-due.ts";
import { slotAtOrAfter, slotOf } from "../candle/interval.ts";
import { planGapPages, splitPages } from "../candle/page.ts";
import { intersect, type Span, spanOf, subtract } from "../candle/span.ts";
import { type Interval, WIDTH_MS } from "../contract/intervals.ts";

/** What planning needs to know of a series; times in ms. */
export type SeriesFacts = {
  readonly interval: Interval;
  readonly covered: Span | null;
  /** Some of what failed and of what lies before the listing, as `SeriesState` has them. */
  readonly failed: readonly Gap[];
  readonly unlisted: readonly Gap[];
  readonly firstCandle: number | null;
  readonly firstEvidence?: FirstEvidence | null;
};

/**
 * One step of a series' work: a request, or what is logged without one: a stretch before the listing, and a stretch that
 * a wrong first candle hid (`hidden`), which is a gap that is due at once. `again`: a request for what is stored.
 */
export type Task = Span & { readonly kind: "fetch" | "again" | "before_listing" | "hidden" };

/**
 * Which gaps of the log to ask for again. `due`: those whose time has come by `now` (ms, the exchange's clock); `all`:
 * those too whose time will come, and none that no run asks for; `wanted`: in the span `within`, those that are due and those that nobody asked for yet; `refuted`:
 * none but what is said next. Of stretches before the listing, which can be thousands of pages of nothing, all but
 * `due` ask for what is not before `listed` (ms; null: for nothing).
 */
export type GapRequest =
  | { readonly which: "due"; readonly now: number }
  | {
      readonly which: "all" | "wanted" | "refuted";
      readonly now: number;
      readonly within: Span | null;
      readonly listed: number | null;
    };

/** The work on one series: steps that follow from what it covers, then gaps, which are read while the work goes on. */
export type Plan = { readonly tasks: readonly Task[]; readonly gaps: GapRequest | null };

/** Candles behind the newest stored one that every sync asks for again: closed candles change now and then. */
const OVERLAP_CANDLES = 4;

/** Sync also heals what failed lately, but a big backlog belongs to `gaps --repair`, not to the minute job. */
const REPAIR_PAGES_PER_SYNC = 2;

/**
 * The window of a sync: from the newest stored candle minus the overlap (`autoPeriod`), or everything since
 * `fallbackStart` that is not covered, up to the last slot that closed before `now`; then what failed lately.
 */
export function planSync(
  series: SeriesFacts,
  { now, autoPeriod, fallbackStart }: { now: number; autoPeriod: boolean; fallbackStart: number },
): Plan {
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
  const failed = series.failed.filter((gap) => isDue(gap, now));
  const refuted = autoPeriod ? series.unlisted.flatMap((gap) => listRefuted(gap, listed)) : [];
  const few = [...failed, ...refuted].flatMap((gap) => subtract(gap, windows));
  const pages = [...windows, ...planGapPages(interval, few).slice(0, REPAIR_PAGES_PER_SYNC)].map(fetchTask);
  return {
    tasks: [
      ...(unlisted === null ? [] : [{ ...unlisted, kind: "before_listing" } as const]),
      ...pages,
      ...(autoPeriod ? listHidden(series, fallbackStart) : []),
    ],
    gaps: autoPeriod || covered === null ? null : { which: "refuted", now, within: null, listed },
  };
}

/**
 * All of `wanted` that is not covered, and the gaps in it that are due, were never asked for, or are not before the
 * listing any more. Newest first where it lies before what is stored. `again`: all of it since the listing, stored or
 * not.
 */
export function planBackfill(
  series: SeriesFacts,
  { wanted, now, again }: { readonly wanted: Span; readonly now: number; readonly again: boolean },
): Plan {
  const { interval, covered, firstCandle } = series;
  const whole = spanOf(
    slotAtOrAfter(interval, wanted.from),
    Math.min(slotAtOrAfter(interval, wanted.to), slotOf(interval, now)),
  );
  if (whole === null) return { tasks: [], gaps: null };
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
  const unlisted = isKnown ? [] : subtract(before, covered === null ? [] : [covered]);
  const within = covered === null ? null : intersect(covered, whole);
  const stored = within === null || !again ? null : spanOf(Math.max(within.from, listed), within.to);
  return {
    tasks: [
      ...pages.map(fetchTask),
      ...pagesOf(interval, stored, false).map((span): Task => ({ ...span, kind: "again" })),
      ...unlisted.map((span): Task => ({ ...span, kind: "before_listing" })),
    ],
    gaps: within === null || again ? null : { which: "wanted", now, within, listed },
  };
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
): Plan {
  const { interval, firstCandle, firstEvidence } = series;
  const listed = firstCandle === null ? null : slotOf(interval, firstCandle);
  const refuted = all || listed === null ? [] : series.unlisted.flatMap((gap) => listRefuted(gap, listed));
  const confirmed = series.unlisted.flatMap((gap): Task[] => {
    if (!isDue(gap, now) || firstEvidence == null) return [];
    if (firstEvidence.askedAt < (gap.nextCheckAt ?? 0)) return [];
    const before = spanOf(gap.from, Math.min(gap.to, listed ?? 0));
    return before === null ? [] : [{ ...before, kind: "before_listing" }];
  });
  return {
    tasks: [
      ...planGapPages(interval, refuted).map(fetchTask),
      ...confirmed,
      ...(fallbackStart === null ? [] : listHidden(series, fallbackStart)),
    ],
    gaps: all ? { which: "all", now, within: null, listed } : { which: "due", now },
  };
}

/** Requests for gaps of the log, in the order of the parts in which they are read, and cut to the requested span. */
export async function* pageGaps(
  interval: Interval,
  request: GapRequest,
  parts: AsyncIterable<readonly Span[]>,
): AsyncGenerator<Task> {
  const within = request.which === "due" ? null : request.within;
  for await (const part of parts) {
    const spans = within === null ? part : part.flatMap((gap) => intersect(gap, within) ?? []);
    yield* planGapPages(interval, spans).map(fetchTask);
  }
}

/**
 * A request without what nobody asked for: a page that joins gaps reaches over what lies between them, and an answer
 * would be stored. `unasked` has such gaps of the span.
 */
export function leaveUnasked(task: Task, unasked: readonly Span[]): readonly Task[] {
  return unasked.length === 0 ? [task] : subtract(task, unasked).map((span) => ({ ...task, ...span }));
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
