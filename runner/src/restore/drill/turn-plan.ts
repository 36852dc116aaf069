import { TIERS, type Tier } from "../../contract/tiers.ts";

/**
 * The tier whose last drill (ms) is the oldest; one that never was drilled comes first, the nearest of them. null: there is
 * no tier.
 */
export function chooseTier(tiers: readonly Tier[], last: ReadonlyMap<Tier, number>): Tier | null {
  const [first] = TIERS.filter((tier) => tiers.includes(tier)).toSorted(
    (a, b) => (last.get(a) ?? 0) - (last.get(b) ?? 0),
  );
  return first ?? null;
}
