import type { Gap } from "../../candle/gap.ts";
import { separate } from "../../candle/gap-overlap.ts";
import { type Span, union } from "../../candle/span.ts";
import { subtractAll, within } from "../../candle/sweep.ts";
import { IN_BACKUP, knownFirst, lostGap, takeMoved, waitsIn } from "../../candle/waiting-gap.ts";

/** The evidence of a gap that a restore found: no backup that it could use had the candles. */
const NOT_RESTORED = "no backup that could be restored has them";

/**
 * What of a series waits in the backup: the covered slots in the spans of the leaves that no gap of the log explains. `gaps`:
 * those of the series that are not repaired.
 */
export function planWaiting(covered: Span, leaves: readonly Span[], gaps: readonly Span[]): readonly Span[] {
  return subtractAll(within(union(leaves), covered), union(gaps));
}

/** Rows of the gap log to write, in this order, after the rows with the ids `gone` were deleted. */
export type LoadedGaps = { readonly gone: readonly string[]; readonly changed: readonly Gap[] };

/**
 * The gap log of a series after one leaf was loaded. `slots`: the covered slots of the leaf; `missing`: the spans of these
 * without a candle. What waited there waits no more. What is missing there and in no other gap is an open gap that is due at
 * once, so that the next sync asks the exchange for it. A gap that waited and is used up was never a gap of the exchange, so
 * the log forgets it.
 */
export function planLoaded(
  existing: readonly Gap[],
  {
    slots,
    missing,
    now,
    newId,
  }: {
    readonly slots: Span;
    readonly missing: readonly Span[];
    readonly now: number;
    readonly newId: () => string;
  },
): LoadedGaps {
  // a person can have logged gaps that overlap, and the log has one row per begin
  const { logged = [], doubled = [] } = Object.groupBy(separate(existing), ({ state }) =>
    state === "repaired" ? "doubled" : "logged",
  );
  const { changed, unlogged } = takeMoved(logged, { place: IN_BACKUP, slots, missing, newId });
  const waiting = new Set(logged.filter((gap) => waitsIn(gap, IN_BACKUP)).map(({ id }) => id));
  const isGone = ({ id, state }: Gap) => state === "repaired" && waiting.has(id);
  const added = unlogged.map((span) => lostGap(span, { id: newId(), now, error: NOT_RESTORED }));
  return {
    gone: changed.filter(isGone).map(({ id }) => id),
    changed: [...doubled, ...knownFirst([...changed.filter((gap) => !isGone(gap)), ...added], logged)],
  };
}
