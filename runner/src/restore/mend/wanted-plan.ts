import { between, hull, type Span } from "../../candle/span.ts";
import { subtractAll } from "../../candle/sweep.ts";
import type { Interval } from "../../contract/intervals.ts";

/** Slots of a series that the leaf must account for. */
export type CoveredSlots = { readonly coinId: number; readonly interval: Interval; readonly slots: Span };
/** Slots of a series; `coinId` is that of r3a.coin. */
export type PartSpan = Span & { readonly coinId: number; readonly interval: Interval };

/** Each row of the damaged table is compared with every span of its part. */
const MOST_SPANS = 32;

/** What is covered and not stored, part by part and in order. `storedOf`: the stored slots of a part, disjoint and in order. */
export function listLacking(
  covered: readonly CoveredSlots[],
  storedOf: (part: CoveredSlots) => readonly Span[],
): PartSpan[] {
  return covered.flatMap((part) =>
    subtractAll([part.slots], storedOf(part)).map((span) => ({
      ...span,
      coinId: part.coinId,
      interval: part.interval,
    })),
  );
}

/** At most 32 spans of each part that hold all spans of it, in order: those with the least time between them are joined. */
export function coarsen(spans: readonly PartSpan[]): PartSpan[] {
  const parts = Map.groupBy(spans, ({ coinId, interval }) => `${coinId} ${interval}`);
  return [...parts.values()].flatMap((of) => joinNearest(of.toSorted((a, b) => a.from - b.from)));
}

function joinNearest(spans: readonly PartSpan[]): PartSpan[] {
  if (spans.length <= MOST_SPANS) return [...spans];
  const distance = (index: number) => {
    const [a, b] = [spans[index - 1], spans[index]];
    const hole = a === undefined || b === undefined ? null : between(a, b);
    return hole === null ? 0 : hole.to - hole.from;
  };
  const cuts = new Set(
    Array.from({ length: spans.length - 1 }, (_, at) => at + 1)
      .toSorted((a, b) => distance(b) - distance(a))
      .slice(0, MOST_SPANS - 1),
  );
  const joined: PartSpan[] = [];
  for (const [index, span] of spans.entries()) {
    const last = joined.at(-1);
    if (last === undefined || cuts.has(index)) joined.push(span);
    else joined[joined.length - 1] = { ...last, ...hull(last, span) };
  }
  return joined;
}
