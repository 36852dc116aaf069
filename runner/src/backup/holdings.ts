import type { Tier } from "../contract/tiers.ts";
import type { DueTiers } from "./due-tiers.ts";
import { listPresent } from "./put-objects.ts";

/**
 * What lies in the tiers of a run. The ledger does not know it: a disk that was changed for an empty one holds nothing of
 * what the ledger says.
 */
export type Holdings = {
  /** The length of the object in the tier; null: the tier has none of this key. */
  readonly bytesOf: (tier: Tier, key: string) => number | null;
  /** Whether no tier of the run has the object. */
  readonly isLost: (key: string) => boolean;
};

/** Lists the objects of each tier that did not fail. */
export async function listHoldings(tiers: DueTiers, signal: AbortSignal): Promise<Holdings> {
  const present = new Map<Tier, ReadonlyMap<string, number>>();
  await tiers.inEach(async (store) => void present.set(store.tier, await listPresent(store, signal)));
  return {
    bytesOf: (tier, key) => present.get(tier)?.get(key) ?? null,
    isLost: (key) => ![...present.values()].some((keys) => keys.has(key)),
  };
}
