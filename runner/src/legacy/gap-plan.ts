import type { Gap } from "../candle/gap.ts";
import { slotOf } from "../candle/interval.ts";
import { hull, type Span, subtract, union } from "../candle/span.ts";
import { within } from "../candle/sweep.ts";
import { knownFirst, takeMoved, waitsIn } from "../candle/waiting-gap.ts";
import { type Interval, WIDTH_MS } from "../contract/intervals.ts";

/** The evidence of a gap whose candles are in a leaf of the old layout; the migration 000012_old_layout writes the same words. */
export const IN_OLD_LAYOUT = "in the old layout";

/** A row of the old leaf that must not be stored: its slot (ms), the reason, and its raw text. */
type RejectedRow = { readonly slot: number; readonly reason: string; readonly raw: string };

/**
 * The span that the series covers after the candles of a leaf are stored: the span from before and the slots of the
 * leaf's candles together. `first` and `last` are open times, or null if the leaf has no candle. Null: nothing is covered.
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

type LeafFacts = {
  readonly before: Span | null;
  readonly covered: Span;
  /** The result of `slotsOfLeaf`, and the spans of it without a stored candle. */
  readonly slots: Span | null;
  readonly missing: readonly Span[];
  readonly rejected: readonly RejectedRow[];
  readonly now: number;
  readonly newId: () => string;
};

/**
 * The rows of the gap log that change. A gap with the evidence IN_OLD_LAYOUT loses the span of the leaf. What the leaf
 * itself lacks becomes a gap that nobody has asked for, due at once. A gap that a job of the new system logged keeps its
 * evidence, and loses the slots that the old candles fill. If a gap is cut into pieces, the first piece keeps the id.
 */
export function planLeafGaps(interval: Interval, existing: readonly Gap[], facts: LeafFacts): readonly Gap[] {
  const { before, covered, slots, missing, now, newId } = facts;
  const inside = slots === null ? [] : [slots];
  const { changed, unlogged } = takeMoved(existing, { place: IN_OLD_LAYOUT, slots, missing, newId });
  const beyond = before === null ? [] : subtract(covered, [before, ...inside, ...existing]);
  const added: Gap[] = [
    ...splitByRejected(interval, unlogged, facts.rejected).map((piece) => ({
      ...piece,
      id: newId(),
      attempts: 0,
      nextCheckAt: now,
    })),
    ...beyond.map((span) => ({
      ...span,
      id: newId(),
      state: "not_requested" as const,
      reason: null,
      attempts: 0,
      evidence: { error: IN_OLD_LAYOUT },
      nextCheckAt: null,
    })),
  ];
  return knownFirst([...changed, ...added], existing);
}

export function isInOldLayout(gap: Gap): boolean {
  return waitsIn(gap, IN_OLD_LAYOUT);
}

/** A slot whose row must not be stored becomes a gap of its own, with the row as evidence. `missing`: disjoint, in order. */
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
      .map((span) => ({ ...span, state: "not_requested" as const, reason: null, evidence: {} })),
    ...[...bySlot].map(([slot, rows]) => ({
      from: slot,
      to: slot + width,
      state: "open" as const,
      reason: "invalid" as const,
      evidence: {
        error: rows.map(({ reason }) => reason).join("; "),
        raw: rows.map(({ raw }) => raw).join("; "),
      },
    })),
  ];
}
