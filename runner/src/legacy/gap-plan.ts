import type { Gap } from "../candle/gap.ts";
import { slotAtOrAfter, slotOf } from "../candle/interval.ts";
import { hull, intersect, overlaps, type Span, spanOf, subtract, union } from "../candle/span.ts";
import { within } from "../candle/sweep.ts";
import { type Interval, WIDTH_MS } from "../contract/intervals.ts";

/** The evidence of a gap whose candles wait in a leaf of the old layout; migration 000012_old_layout writes the same. */
export const IN_OLD_LAYOUT = "in the old layout";

/** A row of the old leaf that must not be stored: its slot (ms), why, and its raw text. */
export type RejectedRow = { readonly slot: number; readonly reason: string; readonly raw: string };

/**
 * The span that the series covers once the candles of a leaf are stored: what it covered, and the slots of the leaf's
 * candles (`first`, `last`: open times, null where it has none). Null where there is nothing to cover.
 */
export function coverLeaf(
  interval: Interval,
  covered: Span | null,
  candles: { readonly first: number | null; readonly last: number | null },
): Span | null {
  if (candles.first === null || candles.last === null) return covered;
  const own = {
    from: slotOf(interval, candles.first),
    to: slotOf(interval, candles.last) + WIDTH_MS[interval],
  };
  return covered === null ? own : hull(covered, own);
}

/** The slots of the leaf's time that the series covers: those that it answers for from now on. */
export function slotsOfLeaf(interval: Interval, leaf: Span, covered: Span): Span | null {
  const whole = spanOf(slotAtOrAfter(interval, leaf.from), slotAtOrAfter(interval, leaf.to));
  return whole === null ? null : intersect(whole, covered);
}

export type LeafFacts = {
  readonly before: Span | null;
  readonly covered: Span;
  /** `slotsOfLeaf`, and what of it is stored nowhere. */
  readonly slots: Span | null;
  readonly missing: readonly Span[];
  readonly rejected: readonly RejectedRow[];
  readonly now: number;
  readonly newId: () => string;
};

/**
 * Rows of the gap log that change. Gaps for "the old layout has it" end at the leaf; what is missing in the leaf itself
 * is a gap that nobody has asked for, due at once. Gaps that a job of the new system logged keep what they know, but
 * for the slots that the old candles fill. A row keeps its id in its first piece.
 */
export function planLeafGaps(interval: Interval, existing: readonly Gap[], facts: LeafFacts): readonly Gap[] {
  const { before, covered, slots, missing, now, newId } = facts;
  const inside = slots === null ? [] : [slots];
  const unstored = union(missing);
  const touched = slots === null ? [] : existing.filter((gap) => overlaps(gap, slots));
  const changed = touched.flatMap((gap): Gap[] => {
    const rest = isInOldLayout(gap)
      ? subtract(gap, inside)
      : union([...subtract(gap, inside), ...within(unstored, gap)]);
    const filled = subtract(gap, rest);
    if (filled.length === 0) return [];
    const open = rest.map((span, index) => ({ ...gap, ...span, id: index === 0 ? gap.id : newId() }));
    // history of what came back; of a gap that was the old layout only its end is worth a row
    if (isInOldLayout(gap) && rest.length > 0) return open;
    const repaired = filled.map((span, index) => ({
      ...gap,
      ...span,
      id: rest.length === 0 && index === 0 ? gap.id : newId(),
      state: "repaired" as const,
      nextCheckAt: null,
    }));
    return [...open, ...repaired];
  });
  const others = union(existing.filter((gap) => !isInOldLayout(gap)));
  const unlogged = unstored.flatMap((span) => subtract(span, within(others, span)));
  const beyond = before === null ? [] : subtract(covered, [before, ...inside, ...existing]);
  const added: Gap[] = [
    ...splitByRejected(interval, unlogged, facts.rejected).map((piece) => ({
      ...piece,
      id: newId(),
      state: "open" as const,
      attempts: 0,
      nextCheckAt: now,
    })),
    ...beyond.map((span) => ({
      ...span,
      id: newId(),
      state: "open" as const,
      reason: "not_requested" as const,
      attempts: 0,
      evidence: { error: IN_OLD_LAYOUT },
      nextCheckAt: null,
    })),
  ];
  // a row that begins later now makes room for a new one at its old begin: the log has one open row per begin
  const known = new Set(existing.map(({ id }) => id));
  return [...changed, ...added].toSorted((a, b) => Number(known.has(b.id)) - Number(known.has(a.id)));
}

export function isInOldLayout({ reason, evidence }: Gap): boolean {
  return reason === "not_requested" && evidence.error === IN_OLD_LAYOUT;
}

/** A slot whose row must not be stored is a gap of its own, with the row as evidence; `missing` disjoint and in order. */
function splitByRejected(interval: Interval, missing: readonly Span[], rejected: readonly RejectedRow[]) {
  const width = WIDTH_MS[interval];
  const bySlot = Map.groupBy(
    rejected.filter(({ slot }) => within(missing, { from: slot, to: slot + width }).length > 0),
    ({ slot }) => slot,
  );
  const broken = union([...bySlot.keys()].map((slot) => ({ from: slot, to: slot + width })));
  return [
    ...missing
      .flatMap((span) => subtract(span, within(broken, span)))
      .map((span) => ({ ...span, reason: "not_requested" as const, evidence: {} })),
    ...[...bySlot].map(([slot, rows]) => ({
      from: slot,
      to: slot + width,
      reason: "invalid" as const,
      evidence: {
        error: rows.map(({ reason }) => reason).join("; "),
        raw: rows.map(({ raw }) => raw).join("; "),
      },
    })),
  ];
}
