import type { Span } from "../../candle/span.ts";
import { leafAt } from "../../partition/layout.ts";
import { isSealed } from "../../partition/sealed.ts";
import { DAY_MS } from "../../time.ts";

/** What of the candles of 1m the database must have before it is used again. */
const HOT_MS = 90 * DAY_MS;

const MONTHS = leafAt("1m", 0).parent;

type OrderedLeaf = { readonly name: string; readonly parent: string; readonly span: Span };

/** A leaf in its place; `isHot`: the database is of no use without it. */
export type PlacedLeaf<Leaf> = Leaf & { readonly isHot: boolean };

/**
 * The leaves in the order in which a restore loads them: first the hot ones (the open leaves, 90 days of 1m, and the last
 * leaf of each coarse interval), then the coarse ones, which are small and hold all years, then the older months of 1m; each
 * time the newest first. `now` in ms: the moment that the backup shows, since an old backup has no newer leaves.
 */
export function orderLeaves<Leaf extends OrderedLeaf>(
  leaves: readonly Leaf[],
  now: number,
): readonly PlacedLeaf<Leaf>[] {
  const last = new Map<string, number>();
  for (const { parent, span } of leaves) last.set(parent, Math.max(last.get(parent) ?? 0, span.from));
  const isHot = ({ parent, span }: Leaf) =>
    !isSealed(span, now) || (parent === MONTHS ? span.to > now - HOT_MS : span.from === last.get(parent));
  const placeOf = (leaf: Leaf) => {
    if (!isSealed(leaf.span, now)) return 0;
    if (isHot(leaf)) return 1;
    return leaf.parent === MONTHS ? 3 : 2;
  };
  return leaves
    .map((leaf) => ({ ...leaf, isHot: isHot(leaf) }))
    .toSorted((a, b) => placeOf(a) - placeOf(b) || b.span.from - a.span.from || (a.name < b.name ? -1 : 1));
}
