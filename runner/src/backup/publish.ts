import { type Manifest, type ManifestName, renderManifest } from "../archive/manifest.ts";
import type { ObjectRef } from "../archive/object-ref.ts";
import { parseManifest } from "../archive/parse-manifest.ts";
import type { Tier } from "../contract/tiers.ts";
import { StoreFault } from "../store/fault.ts";
import type { Store } from "../store/store.ts";
import { renderTime } from "../time.ts";
import { nameTime } from "./chain.ts";
import type { DueTiers } from "./due-tiers.ts";
import { findNewestNow, type Holdings } from "./holdings.ts";
import { copyObject } from "./put-objects.ts";

/** `copies`: the tiers that hold each object by the ledger, by its key; `holdings`: what lies there. `records`: the texts of the leaves, by their key. */
export type Publication = {
  readonly manifest: Omit<Manifest, "previous" | "madeAt">;
  readonly objects: readonly ObjectRef[];
  readonly copies: ReadonlyMap<string, readonly Tier[]>;
  readonly holdings: Holdings;
  readonly records: ReadonlyMap<string, string>;
  readonly spool: string;
  readonly now: number;
};

/** The key of the manifest in each tier that has it, the newest one before it there, and the copies that were made for it. */
export type Published = {
  readonly manifests: ReadonlyMap<Tier, string>;
  readonly previous: ReadonlyMap<Tier, ManifestName | null>;
  readonly copied: readonly { readonly key: string; readonly tier: Tier }[];
};

/**
 * Writes the manifest into each tier that did not fail, after everything that it names lies there and was read back. Each
 * tier has a chain of its own: a tier that was away for a day is no break.
 */
export async function publish(
  tiers: DueTiers,
  publication: Publication,
  signal: AbortSignal,
): Promise<Published> {
  const copied: { key: string; tier: Tier }[] = [];
  const newest = new Map<Tier, ManifestName | null>();
  await tiers.inEach(async (store) => {
    for (const key of await copyMissing(tiers, { store, publication }, signal))
      copied.push({ key, tier: store.tier });
    await putRecords(store, publication, signal);
    newest.set(store.tier, await findNewestNow(publication.holdings, store, signal));
  });
  const madeAt = renderTime(nameTime(publication.now, [...newest.values()]));
  const manifests = new Map<Tier, string>();
  await tiers.inEach(async (store) => {
    const last = newest.get(store.tier) ?? null;
    const previous = last === null ? null : { key: last.key, sha256: last.sha256 };
    const { key, text } = renderManifest({ ...publication.manifest, previous, madeAt });
    await store.putText(key, text, signal);
    parseManifest(key, await store.getText(key, signal));
    manifests.set(store.tier, key);
  });
  return { manifests, previous: newest, copied };
}

async function copyMissing(
  tiers: DueTiers,
  { store, publication }: { readonly store: Store; readonly publication: Publication },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { objects, copies, holdings, spool } = publication;
  const copied: string[] = [];
  for (const object of objects) {
    const isHeld = ({ tier }: Store) => holdings.bytesOf(tier, object.key) === object.bytes;
    if (isHeld(store) && copies.get(object.key)?.includes(store.tier) === true) continue;
    // a run that was killed may have put an object and noted it nowhere: then the tier itself gives the bytes to compare
    const sources = tiers.list().filter(isHeld);
    await copyObject(store, { key: object.key, facts: object, sources, spool }, signal);
    copied.push(object.key);
  }
  return copied;
}

/** A record is named by its hash: one that lies there already is the same. */
async function putRecords(
  store: Store,
  { records, holdings }: Pick<Publication, "records" | "holdings">,
  signal: AbortSignal,
): Promise<void> {
  for (const [key, text] of records) {
    if (holdings.bytesOf(store.tier, key) !== null) continue;
    await store.putText(key, text, signal).catch((error: unknown) => {
      if (!(error instanceof StoreFault && error.kind === "exists")) throw error;
    });
    if ((await store.getText(key, signal)) === text) continue;
    const place = { tier: store.tier, address: store.address, key };
    throw new StoreFault(
      "broken",
      "another text was read back than was put; look at the disk or the store",
      place,
    );
  }
}
