import type { GapReason, GapState } from "../candle/gap.ts";
import { type Span, spanOf } from "../candle/span.ts";
import { type Interval, WIDTH_MS } from "../contract/intervals.ts";
import type { RunItem } from "../db/runs.ts";
import { SECOND_MS } from "../time.ts";

/** A gap as the log has it before or after a repair; times in ms. */
export type LoggedGap = Span & {
  readonly symbol: string;
  readonly state: GapState;
  readonly reason: GapReason | null;
  readonly error: string | null;
  readonly nextCheckAt: number | null;
};

/**
 * What became of a gap. `filled`: all of it is stored; `partly`: some of it; `missing`: an answer came, without it;
 * `failed`: no usable answer came; `busy`: another holder was at work on the series; `notAsked`: the run ended before.
 */
export const GAP_RESULTS = ["filled", "partly", "missing", "failed", "busy", "notAsked"] as const;
export type GapResult = (typeof GAP_RESULTS)[number];

/** A gap that was to be asked for, in candles; the other fields are those of what is left of it, null where nothing is. */
export type AskedGap = Span & {
  readonly symbol: string;
  readonly interval: Interval;
  readonly candles: number;
  readonly missing: number;
  readonly result: GapResult;
  readonly state: GapState | null;
  readonly error: string | null;
  readonly nextCheckAt: number | null;
};

/** Spans of one series in the order of their time. */
type SpanList = { readonly count: number; at(index: number): Span | undefined };

/** The gaps to ask for by symbol. */
export type AskedSpans = ReadonlyMap<string, SpanList>;

const CHUNK = 2_048;

/**
 * Whole seconds in 32 bits, in chunks that never move: a log can have 500,000 gaps, and as numbers of an array, which is
 * copied as it grows, they took 12 MB of a job's 128.
 */
function createSpanList(): SpanList & { push(span: Span): void } {
  const chunks: Uint32Array[] = [];
  let count = 0;
  return {
    get count() {
      return count;
    },
    at(index) {
      const chunk = chunks[Math.floor(index / CHUNK)];
      const place = (index % CHUNK) * 2;
      if (chunk === undefined || index >= count) return undefined;
      return { from: (chunk[place] ?? 0) * SECOND_MS, to: (chunk[place + 1] ?? 0) * SECOND_MS };
    },
    push({ from, to }) {
      if (count % CHUNK === 0) chunks.push(new Uint32Array(2 * CHUNK));
      chunks.at(-1)?.set([from / SECOND_MS, to / SECOND_MS], (count % CHUNK) * 2);
      count += 1;
    },
  };
}

/** Collects the spans of gaps that come by symbol and time; a gap over another one begins where that one ends. */
export function createAskedSpans() {
  const bySymbol = new Map<string, ReturnType<typeof createSpanList>>();
  return {
    bySymbol: bySymbol as AskedSpans,
    add(symbol: string, gap: Span): void {
      const known = bySymbol.get(symbol) ?? createSpanList();
      const rest = spanOf(Math.max(gap.from, known.at(known.count - 1)?.to ?? gap.from), gap.to);
      if (rest === null) return;
      known.push(rest);
      bySymbol.set(symbol, known);
    },
  };
}

type Facts = {
  readonly interval: Interval;
  readonly asked: AskedSpans;
  /** The run's item of each series by symbol; a series without one was not worked on. */
  readonly items: ReadonlyMap<string, Pick<RunItem, "outcome" | "pages" | "error">>;
  /** Exchange time after the run, ms: a gap that is due then had no answer. */
  readonly now: number;
};

/**
 * Compares the gaps that were asked for with what the log has after the run. `take` gets the unrepaired gaps by symbol
 * and time, in the order in which the spans were added; the results come out as soon as they are known, the rest by `end`.
 */
export function createComparison({ interval, asked, items, now }: Facts) {
  const symbols = [...asked.keys()];
  const places = new Map(symbols.map((symbol, index) => [symbol, index]));
  let [place, at] = [0, 0];
  let missing = 0;
  let left: LoggedGap | null = null;

  const finish = (): AskedGap => {
    const symbol = symbols[place] ?? "";
    const spans = asked.get(symbol);
    const { from, to } = spans?.at(at) ?? { from: 0, to: 0 };
    const item = items.get(symbol);
    const candles = (to - from) / WIDTH_MS[interval];
    const rest = missing / WIDTH_MS[interval];
    const gap = {
      symbol,
      interval,
      from,
      to,
      candles,
      missing: rest,
      result: resultOf(item, { candles, missing: rest, isDue: isUnanswered(left, now) }),
      state: left?.state ?? null,
      error: left?.error ?? item?.error ?? null,
      nextCheckAt: left?.nextCheckAt ?? null,
    };
    at += 1;
    [missing, left] = [0, null];
    if (at >= (spans?.count ?? 0)) [place, at] = [place + 1, 0];
    return gap;
  };
  /** The gaps that end before this place of the log. */
  function* pass(until: number, from: number): Generator<AskedGap> {
    for (;;) {
      const to = asked.get(symbols[place] ?? "")?.at(at)?.to;
      if (to === undefined || place > until || (place === until && to > from)) return;
      yield finish();
    }
  }
  return {
    *take(gap: LoggedGap): Generator<AskedGap> {
      const index = places.get(gap.symbol);
      if (index === undefined) return;
      yield* pass(index, gap.from);
      // one row of the log can lie over several gaps of before, when new pieces were joined to it
      while (place === index) {
        const { from, to } = asked.get(gap.symbol)?.at(at) ?? { from: 0, to: 0 };
        const both = Math.min(to, gap.to) - Math.max(from, gap.from);
        if (both > 0) {
          missing += both;
          left ??= gap;
        }
        if (gap.to < to || from >= gap.to) return;
        yield finish();
      }
    },
    *end(): Generator<AskedGap> {
      yield* pass(symbols.length, Number.POSITIVE_INFINITY);
    },
  };
}

/** A gap without a usable answer is due at once; one that was asked for in vain waits for its next check. */
function isUnanswered(left: LoggedGap | null, now: number): boolean {
  return left !== null && left.error !== null && left.nextCheckAt !== null && left.nextCheckAt <= now;
}

function resultOf(
  item: Pick<RunItem, "outcome" | "pages"> | undefined,
  { candles, missing, isDue }: { candles: number; missing: number; isDue: boolean },
): GapResult {
  if (missing === 0) return "filled";
  if (item === undefined) return "notAsked";
  if (item.outcome === "skipped") return "busy";
  if (missing < candles) return "partly";
  return isDue || (item.outcome === "failure" && item.pages === 0) ? "failed" : "missing";
}
