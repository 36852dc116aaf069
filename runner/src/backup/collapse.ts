import { MANIFEST_PREFIX, type Manifest, type ManifestName } from "../archive/manifest.ts";
import { TextFault } from "../archive/named-text.ts";
import { parseManifest } from "../archive/parse-manifest.ts";
import { SettingsFault } from "../errors.ts";
import { renderNumber } from "../render.ts";
import { StoreFault } from "../store/fault.ts";
import type { Store } from "../store/store.ts";
import { orderManifests } from "./chain.ts";

/** Below this share of what an earlier backup restores, a person must look. */
const LEAST_SHARE = 0.9;
/** A week: whoever is away for some days still meets the fault. */
const COMPARED = 7;

/** Candles that a person accepted as gone since a moment (ms); null: of a whole part, so their number is not known. */
export type CountAccepted = (since: number) => Promise<number | null>;

export type Compared = {
  /** Of the backup that was just published: by its leaves, and the key of its manifest in the tier. */
  readonly rows: number;
  readonly key: string;
  readonly kind: Manifest["kind"];
  /** The newest manifest of the tier before that one; null: it had none. */
  readonly previous: ManifestName | null;
  readonly countAccepted: CountAccepted;
};

/**
 * Why a backup is much smaller than the newest before it in a tier, or a daily one than one of the seven daily ones before it,
 * in one sentence; null: it is not, or a person accepted that the candles are gone. A delta compares with no more: it runs
 * each 15 min. The ledger cannot tell: where the database was changed for an emptier one, its ledger
 * was too, and the newest manifest of a tier is the one that restores. A manifest that cannot be read is left out.
 */
export async function findCollapse(
  store: Store,
  { rows, key, kind, previous, countAccepted }: Compared,
  signal: AbortSignal,
): Promise<string | null> {
  const dailies = kind === "daily" ? await listDailies(store, signal) : [];
  const earlier = dailies.filter((name) => name.key !== key && name.key !== previous?.key);
  for (const name of [...(previous === null ? [] : [previous]), ...earlier.slice(0, COMPARED)]) {
    const before = await readSize(store, name.key, signal);
    if (before === null || rows >= before.rows * LEAST_SHARE) continue;
    const accepted = await countAccepted(before.snapshotAt);
    if (accepted === null || rows + accepted >= before.rows * LEAST_SHARE) continue;
    return `the ${kind} backup restores ${renderNumber(rows)} candles, and that of ${name.madeAt} in ${store.tier} restores ${renderNumber(before.rows)}: look whether DB_URL names the right database and what became of its candles (series); restore --at ${name.madeAt} has the earlier ones`;
  }
  return null;
}

async function listDailies(store: Store, signal: AbortSignal): Promise<readonly ManifestName[]> {
  const keys: string[] = [];
  for await (const each of store.list(MANIFEST_PREFIX, signal)) keys.push(each.key);
  return orderManifests(keys).newestFirst.filter((name) => name.kind === "daily");
}

async function readSize(
  store: Store,
  key: string,
  signal: AbortSignal,
): Promise<{ readonly rows: number; readonly snapshotAt: number } | null> {
  try {
    const manifest = parseManifest(key, await store.getText(key, signal));
    return { rows: countRows(manifest), snapshotAt: Date.parse(manifest.snapshotAt) };
  } catch (error) {
    if ([StoreFault, TextFault, SettingsFault].some((fault) => error instanceof fault)) return null;
    throw error;
  }
}

/** What a backup restores. */
export function countRows({ leaves }: Pick<Manifest, "leaves">): number {
  return leaves.reduce((sum, leaf) => sum + leaf.rows, 0);
}
