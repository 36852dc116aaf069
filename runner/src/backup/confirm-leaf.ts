import { ObjectFault } from "../archive/object/fault.ts";
import type { Tier } from "../contract/tiers.ts";
import { listStoredParts } from "../db/backup/ledger.ts";
import { noteCopies } from "../db/backup/manifest-rows.ts";
import { findObjects, type PlacedObject } from "../db/backup/stored-objects.ts";
import { listVerifiedSince } from "../db/backup/verified.ts";
import type { Database } from "../db/connect.ts";
import { type OwnClient, own } from "../db/session.ts";
import { messageOf } from "../errors.ts";
import { StoreFault } from "../store/fault.ts";
import type { Store } from "../store/store.ts";
import type { DueTiers } from "./due-tiers.ts";
import { addNoted, type Holdings } from "./holdings.ts";
import { copyObject, readBack } from "./put-objects.ts";

/** Which tiers have all that restores a leaf, and what is wrong with an object in the others. */
export type Confirmed = { readonly tiers: readonly Tier[]; readonly faults: readonly string[] };

type Confirming = {
  readonly db: Database;
  readonly tiers: DueTiers;
  readonly holdings: Holdings;
  readonly spool: string;
  readonly signal: AbortSignal;
};

/** The objects that hold the parts of the leaf whole. */
export async function listBases(client: OwnClient, leaf: string): Promise<readonly PlacedObject[]> {
  const parts = await listStoredParts(client, { name: leaf });
  const keys = parts.flatMap(({ rows, base }) => (rows === 0 || base === null ? [] : [base.key]));
  return findObjects(client, [...new Set(keys)]);
}

/** Asks the tiers for those of the objects that another run may have put there since the listing. */
export async function noteHeld(
  { tiers, holdings, signal }: Pick<Confirming, "tiers" | "holdings" | "signal">,
  objects: readonly PlacedObject[],
): Promise<void> {
  const copies = objects.flatMap(({ key, tiers: holders }) => holders.map((tier) => ({ key, tier })));
  await addNoted(holdings, { tiers, copies }, signal);
}

/**
 * Reads the bases of the leaf from each tier that did not fail to their end, but for those that the tier gave whole after
 * `since` (ms); a tier that lacks one gets a copy. An object that is wrong in a tier is a fault of this leaf alone.
 */
export async function confirmLeaf(
  { db, tiers, holdings, spool, signal }: Confirming,
  leaf: string,
  since: number,
): Promise<Confirmed> {
  const { objects, verified } = await own(db, signal, async (client) => {
    const bases = await listBases(client, leaf);
    const keys = bases.map(({ key }) => key);
    return { objects: bases, verified: await listVerifiedSince(client, keys, since) };
  });
  await noteHeld({ tiers, holdings, signal }, objects);
  const done = new Set(verified.map(({ key, tier }) => `${tier} ${key}`));
  const read: { key: string; tier: Tier; verifiedAt: number }[] = [];
  const faults = new Map<Tier, string>();
  const answered = await tiers.inEach(async (store) => {
    for (const object of objects) {
      const isHeld = holdings.bytesOf(store.tier, object.key) === object.bytes;
      if (isHeld && done.has(`${store.tier} ${object.key}`)) continue;
      const fault = await readOrCopy({ tiers, holdings, spool, signal }, store, object);
      if (fault === null) read.push({ key: object.key, tier: store.tier, verifiedAt: Date.now() });
      else faults.set(store.tier, fault);
    }
  });
  await noteCopies(db, read);
  return { tiers: answered.filter((tier) => !faults.has(tier)), faults: [...faults.values()] };
}

/** Returns what is wrong with the object in this tier; null: nothing. */
async function readOrCopy(
  { tiers, holdings, spool, signal }: Omit<Confirming, "db">,
  store: Store,
  object: PlacedObject,
): Promise<string | null> {
  const { key } = object;
  const isHeld = ({ tier }: Store) => holdings.bytesOf(tier, key) === object.bytes;
  try {
    if (isHeld(store)) await readBack(store, key, object, signal);
    else await copyObject(store, { key, facts: object, sources: tiers.list().filter(isHeld), spool }, signal);
    holdings.add(store.tier, object);
    return null;
  } catch (error) {
    const isOfObject = error instanceof StoreFault && ["missing", "broken"].includes(error.kind);
    if (!isOfObject && !(error instanceof ObjectFault)) throw error;
    return messageOf(error);
  }
}
