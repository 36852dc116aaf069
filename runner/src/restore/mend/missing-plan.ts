import type { Gap } from "../../candle/gap.ts";
import { separate } from "../../candle/gap-overlap.ts";
import type { Span } from "../../candle/span.ts";
import { subtractAll } from "../../candle/sweep.ts";
import { knownFirst, lostGap, takeMoved } from "../../candle/waiting-gap.ts";

/** The covered slots of one series in a leaf, and which of them hold a candle (disjoint and in order); times in ms. */
export type HeldSlots = { readonly slots: Span; readonly stored: readonly Span[] };

/**
 * The rows of the gap log to write for one series, in this order, once the leaf is mended: what is neither stored nor in a gap
 * is an open gap that is due at once, with the `error` as evidence, and a gap loses what is stored. `existing`: the gaps that
 * are not repaired and overlap the slots. `added`: the spans of the new gaps.
 */
export function planMissing(
  existing: readonly Gap[],
  { slots, stored }: HeldSlots,
  { error, now, newId }: { readonly error: string; readonly now: number; readonly newId: () => string },
): { readonly changed: readonly Gap[]; readonly added: readonly Span[] } {
  // a person can have logged gaps that overlap, and the log has one row per begin
  const { logged = [], doubled = [] } = Object.groupBy(separate(existing), ({ state }) =>
    state === "repaired" ? "doubled" : "logged",
  );
  const missing = subtractAll([slots], stored);
  const { changed, unlogged } = takeMoved(logged, { place: null, slots, missing, newId });
  const added = unlogged.map((span) => lostGap(span, { id: newId(), now, error }));
  return { changed: [...doubled, ...knownFirst([...changed, ...added], logged)], added: unlogged };
}
