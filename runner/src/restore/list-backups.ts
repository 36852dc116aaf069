import type { LeafRecord } from "../archive/leaf-record.ts";
import type { BackupKind, Manifest, ManifestLeaf } from "../archive/manifest.ts";
import type { ObjectRef } from "../archive/object-ref.ts";
import type { Tier } from "../contract/tiers.ts";
import type { Store } from "../store/store.ts";
import {
  type Candidate,
  createManifestReader,
  listCandidates,
  type Refuse,
  readLeafRecord,
} from "./manifests.ts";
import { kindOf, type Refused, reasonOf } from "./refusal.ts";

/**
 * A backup in a tier. Times in ms. `objects`: the keys of all that it names, once each, of `bytes` together as stored; they
 * and `symbols` (coins with candles) are null where a leaf record cannot be read. `suspects`: as the manifest lists them.
 */
export type ListedBackup = {
  readonly tier: Tier;
  readonly key: string;
  /** Its number in the ledger of the database that wrote it. */
  readonly backup: number;
  readonly kind: BackupKind;
  readonly madeAt: number;
  readonly snapshotAt: number;
  readonly leaves: number;
  readonly rows: number;
  readonly suspects: number;
  readonly symbols: number | null;
  readonly bytes: number | null;
  readonly objects: readonly string[] | null;
};

/** `backups`: how many manifests lie there; null: the tier cannot be listed. */
export type ListedTier = { readonly tier: Tier; readonly address: string; readonly backups: number | null };

/** A manifest whose predecessor in the tier is gone, or has another text, since its hash is in its name. */
export type ChainBreak = { readonly tier: Tier; readonly manifest: string; readonly previous: string };

/** `breaks`: a person must look who took a manifest away; what the later manifest names can still be whole. */
export type BackupList = {
  readonly tiers: readonly ListedTier[];
  /** The newest first. */
  readonly backups: readonly ListedBackup[];
  readonly refused: readonly Refused[];
  readonly breaks: readonly ChainBreak[];
};

/** `last`: the newest of all tiers together, or of `tier`. */
export type ListWish = { readonly tier: Tier | null; readonly last: number };

/** What the tiers hold, from their manifests and leaf records alone: no object is read, and no database. */
export async function listBackups(
  stores: readonly Store[],
  { tier, last }: ListWish,
  signal: AbortSignal,
): Promise<BackupList> {
  const refused: Refused[] = [];
  const refuse: Refuse = (each) => void refused.push(each);
  const candidates = await listCandidates(stores, { at: null, tier }, { signal, refuse });
  const isAway = new Set(refused.map((each) => each.tier));
  const tiers = stores
    .filter((store) => tier === null || store.tier === tier)
    .map((store) => ({
      ...{ tier: store.tier, address: store.address },
      backups: isAway.has(store.tier) ? null : candidates.filter((each) => each.tier === store.tier).length,
    }));
  const manifests = createManifestReader(signal, refuse);
  const records = createRecordReader(signal, refuse);
  const present = new Set(candidates.map((each) => `${each.tier} ${each.key}`));
  const backups: ListedBackup[] = [];
  const breaks: ChainBreak[] = [];
  for (const candidate of candidates.slice(0, last)) {
    const manifest = await manifests.read(candidate);
    if (manifest === null) continue;
    backups.push(await describe(candidate, manifest, records));
    const { previous } = manifest;
    if (previous !== null && !present.has(`${candidate.tier} ${previous.key}`))
      breaks.push({ tier: candidate.tier, manifest: candidate.key, previous: previous.key });
  }
  return { tiers, backups, refused, breaks };
}

type Summary = { readonly bases: readonly ObjectRef[]; readonly coins: readonly number[] };
type RecordReader = (candidate: Candidate, leaf: ManifestLeaf) => Promise<Summary | null>;

/** Most backups name the records of the one before, and a record's name is its content: each is read once. */
function createRecordReader(signal: AbortSignal, refuse: Refuse): RecordReader {
  const known = new Map<string, Summary>();
  const failed = new Set<string>();
  return async ({ store, tier, key }, leaf) => {
    const summary = known.get(leaf.key);
    if (summary !== undefined) return summary;
    if (failed.has(`${tier} ${leaf.key}`)) return null;
    try {
      const read = summarize(await readLeafRecord(store, leaf, signal));
      known.set(leaf.key, read);
      return read;
    } catch (error) {
      const reason = reasonOf(error);
      if (reason === null) throw error;
      failed.add(`${tier} ${leaf.key}`);
      refuse({ tier, manifest: key, leaf: leaf.name, reason, ...kindOf(error) });
      return null;
    }
  };
}

function summarize({ bases, parts }: LeafRecord): Summary {
  return { bases, coins: [...new Set(parts.map(({ coinId }) => coinId))] };
}

async function describe(
  candidate: Candidate,
  manifest: Manifest,
  readRecord: RecordReader,
): Promise<ListedBackup> {
  const { leaves, deltas, tables, schema, beside, suspects } = manifest;
  const objects = new Map<string, number>();
  const take = (refs: readonly ObjectRef[]) => {
    for (const { key, bytes } of refs) objects.set(key, bytes);
  };
  take([...deltas, ...tables.flatMap((table) => table.objects), schema, ...beside]);
  const coins = new Set<number>();
  let isWhole = true;
  for (const leaf of leaves) {
    const summary = await readRecord(candidate, leaf);
    take(summary?.bases ?? []);
    for (const coin of summary?.coins ?? []) coins.add(coin);
    isWhole &&= summary !== null;
  }
  return {
    ...{
      tier: candidate.tier,
      key: candidate.key,
      backup: manifest.backup,
      kind: manifest.kind,
      madeAt: candidate.madeAt,
    },
    snapshotAt: Date.parse(manifest.snapshotAt),
    leaves: leaves.length,
    rows: leaves.reduce((sum, { rows }) => sum + rows, 0),
    suspects: suspects.length,
    symbols: isWhole ? coins.size : null,
    bytes: isWhole ? [...objects.values()].reduce((sum, bytes) => sum + bytes, 0) : null,
    objects: isWhole ? [...objects.keys()] : null,
  };
}
