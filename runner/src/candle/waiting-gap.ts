import type { Interval } from "../contract/intervals.ts";
import type { Gap } from "./gap.ts";
import { slotAtOrAfter } from "./interval.ts";
import { intersect, overlaps, type Span, spanOf, subtract, union } from "./span.ts";
import { within } from "./sweep.ts";

/*
 * Gaps whose candles are not lost, but elsewhere: in a table of the old layout, or in the backup that a restore loads. They
 * are in the state `not_requested`, are never due, and their evidence says where the candles are.
 */

/** The evidence of a gap whose candles a restore of the whole database has yet to load. */
export const IN_BACKUP = "in the backup";

/** Whether the candles of the gap wait at that place; null: at no place does any. */
export function waitsIn({ state, evidence }: Gap, place: string | null): boolean {
  return place !== null && state === "not_requested" && evidence.error === place;
}

/** The slots of the leaf's span that the series covers: from now on each is stored or a gap. Null: there is none. */
export function slotsOfLeaf(interval: Interval, leaf: Span, covered: Span): Span | null {
  const whole = spanOf(slotAtOrAfter(interval, leaf.from), slotAtOrAfter(interval, leaf.to));
  return whole === null ? null : intersect(whole, covered);
}

/**
 * `slots`: what was moved here from the `place`, null where it was no place that gaps wait in; `missing`: the spans of the
 * slots that no candle is stored of.
 */
type Moved = {
  readonly place: string | null;
  readonly slots: Span | null;
  readonly missing: readonly Span[];
  readonly newId: () => string;
};

/**
 * What changes in the gap log once candles were moved here. A gap that waited loses the slots that were moved, whatever came
 * of them; any other gap loses those that are stored now, and keeps its evidence. If a gap is cut into pieces, the first
 * piece keeps the id; of a gap that is used up nothing but a repaired row is left. `unlogged`: slots that are neither stored
 * nor in any gap.
 */
export function takeMoved(
  existing: readonly Gap[],
  { place, slots, missing, newId }: Moved,
): { readonly changed: readonly Gap[]; readonly unlogged: readonly Span[] } {
  const inside = slots === null ? [] : [slots];
  const unstored = union(missing);
  const touched = slots === null ? [] : existing.filter((gap) => overlaps(gap, slots));
  const changed = touched.flatMap((gap): Gap[] => {
    const outside = subtract(gap, inside);
    const rest = waitsIn(gap, place) ? outside : union([...outside, ...within(unstored, gap)]);
    const filled = subtract(gap, rest);
    if (filled.length === 0) return [];
    const open = rest.map((span, index) => ({ ...gap, ...span, id: index === 0 ? gap.id : newId() }));
    // what was filled stays in the log as repaired; a gap that waited does so only when nothing of it is left
    if (waitsIn(gap, place) && rest.length > 0) return open;
    const repaired = filled.map((span, index) => ({
      ...gap,
      ...span,
      id: rest.length === 0 && index === 0 ? gap.id : newId(),
      state: "repaired" as const,
      nextCheckAt: null,
    }));
    return [...open, ...repaired];
  });
  const others = union(existing.filter((gap) => !waitsIn(gap, place)));
  return { changed, unlogged: unstored.flatMap((span) => subtract(span, within(others, span))) };
}

/** A gap of candles that were stored and are lost, which is due at once: the next run asks the exchange for them. */
export function lostGap(
  { from, to }: Span,
  { id, now, error }: { readonly id: string; readonly now: number; readonly error: string },
): Gap {
  return {
    ...{ id, from, to, state: "open", reason: "failed", attempts: 0 },
    ...{ evidence: { error }, nextCheckAt: now },
  };
}

/** Known rows first: the log has one row per begin, and a row that now begins later makes room for a new one. */
export function knownFirst(gaps: readonly Gap[], existing: readonly Gap[]): readonly Gap[] {
  const known = new Set(existing.map(({ id }) => id));
  return gaps.toSorted((a, b) => Number(known.has(b.id)) - Number(known.has(a.id)));
}
