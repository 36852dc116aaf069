import { intersect, overlaps, type Span, subtract } from "../candle/span.ts";
import { type Interval, WIDTH_MS } from "../contract/intervals.ts";
import type { GapSum } from "../db/coverage.ts";
import type { StoredCandle } from "../db/read.ts";
import { renderNumber } from "../render.ts";
import { renderShortTime } from "../time.ts";

/** What is known of one series and the span that was asked for; times in ms. */
export type SpanFacts = {
  readonly symbol: string;
  readonly interval: Interval;
  /** Whole slots, the last one closed; null where no candle of the span can be named. */
  readonly asked: Span | null;
  /** The close of the newest slot that has closed. */
  readonly closed: number;
  /** The covered whole slots of `asked` whose rows are all read: a slot without a row is a gap, or its candle vanished. */
  readonly counted: Span | null;
  /** What was asked of the exchange so far. */
  readonly covered: Span | null;
  /** What the gap log says of the part of `asked` that is covered. */
  readonly gaps: readonly GapSum[];
  /** The longest gaps of the whole series, and the number of all of them. */
  readonly longest: { readonly gaps: readonly Span[]; readonly count: number };
};

/** Counts the rows that are printed, and those of them that lie before or behind the covered span. */
export type Tally = {
  readonly add: (page: readonly StoredCandle[]) => void;
  readonly rows: () => number;
  readonly before: () => number;
  readonly behind: () => number;
};

/** Where nothing is covered, each row counts as one before the covered span. */
export function tallyOf(covered: Span | null): Tally {
  const { from, to } = covered ?? { from: Number.POSITIVE_INFINITY, to: Number.POSITIVE_INFINITY };
  let [rows, before, behind] = [0, 0, 0];
  return {
    add(page) {
      rows += page.length;
      const [first, last] = [Number(page[0]?.timestamp), Number(page.at(-1)?.timestamp)];
      if (first < from) before += page.filter(({ timestamp }) => Number(timestamp) < from).length;
      if (last >= to) behind += page.filter(({ timestamp }) => Number(timestamp) >= to).length;
    },
    rows: () => rows,
    before: () => before,
    behind: () => behind,
  };
}

/** The covered part of the asked span: the gap log knows something of this part alone. */
export function coveredPart({ asked, covered }: Pick<SpanFacts, "asked" | "covered">): Span | null {
  return asked === null || covered === null ? null : intersect(asked, covered);
}

const NEVER = "never asked for (backfill fetches them)";
const NOT_YET = "not asked for yet (sync fetches them)";

function whyOf({ state, reason, inBackup }: GapSum): string {
  if (inBackup) return "in the backup, and not loaded yet by the restore";
  if (state === "not_requested") return NEVER;
  if (state === "before_listing") return "before the listing";
  if (state === "after_delisting") return "after the delisting";
  if (state === "confirmed_absent") return "confirmed absent at the exchange";
  if (reason === "failed") return "without a usable answer so far";
  return reason === "invalid" ? "with values that no candle can have" : "absent at the exchange so far";
}

type MissingPart = { readonly candles: number; readonly gaps: number; readonly why: string };

/** What of the span is missing, the largest part first. */
function listMissing({ interval, asked, covered, gaps }: SpanFacts, tally: Tally): readonly MissingPart[] {
  if (asked === null) return [];
  const slotsOf = (ms: number) => Math.round(ms / WIDTH_MS[interval]);
  const length = asked.to - asked.from;
  const before = Math.min(length, Math.max(0, (covered?.from ?? asked.to) - asked.from));
  const behind = Math.min(length, Math.max(0, asked.to - (covered?.to ?? asked.to)));
  const all = [
    ...gaps.map((sum) => ({ candles: slotsOf(sum.ms), gaps: sum.gaps, why: whyOf(sum) })),
    { candles: Math.max(0, slotsOf(before) - tally.before()), gaps: 0, why: NEVER },
    { candles: Math.max(0, slotsOf(behind) - tally.behind()), gaps: 0, why: NOT_YET },
  ];
  return [...Map.groupBy(all, ({ why }) => why)]
    .map(([why, same]) => ({
      why,
      candles: same.reduce((sum, { candles }) => sum + candles, 0),
      gaps: same.reduce((sum, part) => sum + part.gaps, 0),
    }))
    .filter(({ candles }) => candles > 0)
    .toSorted((a, b) => b.candles - a.candles);
}

/** Whether a candle of the span is missing. */
export function isIncomplete(facts: SpanFacts, tally: Tally): boolean {
  return listMissing(facts, tally).length > 0;
}

/** Whether a note is due: a candle of the span is missing, or there is none since none has closed. */
export function isTold(facts: SpanFacts, tally: Tally): boolean {
  return facts.asked === null ? tally.rows() === 0 : isIncomplete(facts, tally);
}

/** How many of the slots are missing, and the sentence about it: how many, why, and where stored candles lie. */
export function describeMissing(
  facts: SpanFacts,
  tally: Tally,
): { readonly missing: number; readonly of: number; readonly text: string } {
  const { symbol, interval, asked, covered } = facts;
  const parts = listMissing(facts, tally);
  const missing = parts.reduce((sum, { candles }) => sum + candles, 0);
  const of = asked === null ? 0 : Math.round((asked.to - asked.from) / WIDTH_MS[interval]);
  if (asked === null)
    return {
      ...{ missing, of },
      text: `no closed candle opens in this span, so none is missing; ${describeStored(facts)}`,
    };
  if (covered === null && tally.rows() === 0) {
    const fetch = `"sync ${interval}", or "backfill ${interval} --symbols ${symbol} --from TIME"`;
    return { missing, of, text: `nothing is stored of this series; ${fetch}, fetches it` };
  }
  const whys = parts.map(({ candles, gaps, why }) => {
    const inGaps = gaps === 0 ? "" : `${countGaps(gaps)} `;
    if (parts.length === 1) return `${inGaps}${why}`;
    return `${renderNumber(candles)} ${inGaps === "" ? "" : `in ${inGaps}`}${why}`;
  });
  const why = whys.length === 0 ? "" : `: ${whys.join(", ")}`;
  const are = missing === 1 ? "is" : "are";
  const what =
    missing >= of
      ? "no candle in this span"
      : `${renderNumber(missing)} of ${renderNumber(of)} candles of this span ${are} missing`;
  return { missing, of, text: `${what}${why}; ${describeStored(facts)}` };
}

/** More gaps than this within the span are not named, but for the long ones. */
const FEW_GAPS = 3;
/** A gap that takes at least this share of the series is named, wherever it lies. */
const LONG_SHARE = 0.01;

function describeStored({ asked, gaps, closed, covered, longest }: SpanFacts): string {
  if (covered === null) return "nothing says what was asked for of this series";
  const areFew = gaps.reduce((sum, kind) => sum + kind.gaps, 0) <= FEW_GAPS;
  const cuts = longest.gaps.filter(
    (gap) =>
      gap.to - gap.from >= LONG_SHARE * (covered.to - covered.from) ||
      (areFew && asked !== null && overlaps(gap, asked)),
  );
  const texts = subtract(covered, cuts).map(({ from, to }) => {
    const isNow = to === covered.to && to >= closed;
    return `${renderShortTime(from)} .. ${isNow ? "now" : renderShortTime(to)}`;
  });
  if (texts.length === 0) return "nothing is stored of this series";
  const others = longest.count - cuts.length;
  const more = others <= 0 ? "" : `, with ${countGaps(others)}${cuts.length === 0 ? "" : " more"} in between`;
  const ends = texts.filter((text) => !text.endsWith("now")).length;
  const bound = ends === 0 ? "" : ` (${ends === 1 ? "end" : "ends"} not included)`;
  return `stored are ${texts.join(", ")}${bound}${more}`;
}

function countGaps(gaps: number): string {
  return `${renderNumber(gaps)} ${gaps === 1 ? "gap" : "gaps"}`;
}
