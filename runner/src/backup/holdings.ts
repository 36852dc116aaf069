import { MANIFEST_PREFIX, type ManifestName, parseManifestKey } from "../archive/manifest.ts";
import type { Tier } from "../contract/tiers.ts";
import type { Store, StoredObject } from "../store/store.ts";
import type { DueTiers } from "./due-tiers.ts";

/**
 * What lies in the tiers of a run, as one listing at its beginning found it, and what is known to have come since. The
 * ledger does not know it: a disk that was changed for an empty one holds nothing of what the ledger says.
 */
export type Holdings = {
  /** The length of the object or text in the tier; null: the tier has none of this key. */
  readonly bytesOf: (tier: Tier, key: string) => number | null;
  /** Whether no tier of the run has the object. */
  readonly isLost: (key: string) => boolean;
  /** The newest manifest that the listing found in the tier; null: it had none. */
  readonly newestOf: (tier: Tier) => ManifestName | null;
  /** Notes what was put into the tier since, and read back. */
  readonly add: (tier: Tier, object: StoredObject) => void;
};

type Held = { readonly lengths: Map<string, number>; readonly newest: ManifestName | null };

/**
 * Lists each tier that did not fail, once: a tier on S3 gives 1,000 keys with each answer, and a year of backups has some
 * hundred thousand.
 */
export async function listHoldings(tiers: DueTiers, signal: AbortSignal): Promise<Holdings> {
  const held = new Map<Tier, Held>();
  await tiers.inEach(async (store) => void held.set(store.tier, await listStore(store, signal)));
  return {
    bytesOf: (tier, key) => held.get(tier)?.lengths.get(key) ?? null,
    isLost: (key) => ![...held.values()].some(({ lengths }) => lengths.has(key)),
    newestOf: (tier) => held.get(tier)?.newest ?? null,
    add: (tier, { key, bytes }) => void held.get(tier)?.lengths.set(key, bytes),
  };
}

async function listStore(store: Store, signal: AbortSignal): Promise<Held> {
  const lengths = new Map<string, number>();
  let newest: ManifestName | null = null;
  for await (const { key, bytes } of store.list("", signal)) {
    // their names begin with their times, and the keys come in their order
    if (key.startsWith(MANIFEST_PREFIX)) newest = parseManifestKey(key) ?? newest;
    else lengths.set(key, bytes);
  }
  return { lengths, newest };
}

/** A copy that another run noted in the ledger since this one began. */
export type NotedCopy = { readonly key: string; readonly tier: Tier };

/** Asks the tiers for what other runs put there since the listing: only these objects, each by its name. */
export async function addNoted(
  holdings: Holdings,
  { tiers, copies }: { readonly tiers: DueTiers; readonly copies: readonly NotedCopy[] },
  signal: AbortSignal,
): Promise<void> {
  await tiers.inEach(async (store) => {
    for (const { key, tier } of copies) {
      if (tier !== store.tier || holdings.bytesOf(tier, key) !== null) continue;
      const found = await store.head(key, signal);
      if (found !== null) holdings.add(tier, found);
    }
  });
}

/** The newest manifest of a tier now. Another run may have written one since the listing: only those behind it are listed. */
export async function findNewestNow(
  holdings: Holdings,
  store: Store,
  signal: AbortSignal,
): Promise<ManifestName | null> {
  let newest = holdings.newestOf(store.tier);
  for await (const { key } of store.list(MANIFEST_PREFIX, signal, newest?.key))
    newest = parseManifestKey(key) ?? newest;
  return newest;
}
