import { TIERS, type Tier } from "../contract/tiers.ts";

/** A manifest as its key names it. `madeAt`: ms. */
export type NamedManifest = { readonly tier: Tier; readonly key: string; readonly madeAt: number };

/** Which manifests may be restored. `at` (ms): none that is newer; `tier`: of this tier alone. */
export type Wish = { readonly at: number | null; readonly tier: Tier | null };

/**
 * The manifests in the order in which they are tried: the newest first, and of one moment hot, warm, cold: a run puts the
 * same content into each tier, so the next tier loses nothing where the next older manifest loses a quarter of an hour.
 */
export function orderCandidates<Found extends NamedManifest>(
  found: readonly Found[],
  { at, tier }: Wish,
): readonly Found[] {
  return found
    .filter((each) => (at === null || each.madeAt <= at) && (tier === null || each.tier === tier))
    .toSorted(
      (a, b) =>
        b.madeAt - a.madeAt ||
        TIERS.indexOf(a.tier) - TIERS.indexOf(b.tier) ||
        (a.key < b.key ? 1 : a.key > b.key ? -1 : 0),
    );
}
