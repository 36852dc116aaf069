import { type LeafRecord, parseLeafRecord } from "../archive/leaf-record.ts";
import { MANIFEST_PREFIX, type Manifest, type ManifestLeaf, parseManifestKey } from "../archive/manifest.ts";
import { parseManifest } from "../archive/parse-manifest.ts";
import { SettingsFault } from "../errors.ts";
import type { Store } from "../store/store.ts";
import { type NamedManifest, orderCandidates, type Wish } from "./candidates-plan.ts";
import { kindOf, type Refused, RestoreRefusal, reasonOf } from "./refusal.ts";

/** A manifest that may be restored from, and the store that has it. */
export type Candidate = NamedManifest & { readonly store: Store };

export type Refuse = (refused: Refused) => void;

/** The manifests of all tiers in the order in which they are tried. A tier that cannot be listed is refused. */
export async function listCandidates(
  stores: readonly Store[],
  wish: Wish,
  { signal, refuse }: { readonly signal: AbortSignal; readonly refuse: Refuse },
): Promise<readonly Candidate[]> {
  const found: Candidate[] = [];
  for (const store of stores) {
    const { tier } = store;
    if (wish.tier !== null && tier !== wish.tier) continue;
    try {
      for await (const { key } of store.list(MANIFEST_PREFIX, signal)) {
        const name = parseManifestKey(key);
        if (name !== null) found.push({ store, tier, key, madeAt: Date.parse(name.madeAt) });
      }
    } catch (error) {
      const reason = reasonOf(error);
      if (reason === null) throw error;
      refuse({ tier, manifest: null, leaf: null, reason, ...kindOf(error) });
    }
  }
  return orderCandidates(found, wish);
}

/** `read` resolves to null where the manifest is refused. */
export type ManifestReader = { readonly read: (candidate: Candidate) => Promise<Manifest | null> };

/**
 * Reads manifests, each once as long as it is asked for in turn: one of 600 symbols has some MB, and two weeks have 1,300. A
 * manifest that was refused is refused once, for every leaf.
 */
export function createManifestReader(signal: AbortSignal, refuse: Refuse): ManifestReader {
  const refused = new Set<Candidate>();
  let last: { readonly candidate: Candidate; readonly manifest: Manifest } | null = null;
  return {
    async read(candidate) {
      if (refused.has(candidate)) return null;
      if (last?.candidate === candidate) return last.manifest;
      const { key, tier, store } = candidate;
      try {
        const manifest = await readNamed(store, key, { parse: parseManifest, signal });
        last = { candidate, manifest };
        return manifest;
      } catch (error) {
        const reason = reasonOf(error);
        if (reason === null) throw error;
        refused.add(candidate);
        refuse({ tier, manifest: key, leaf: null, reason, ...kindOf(error) });
        return null;
      }
    },
  };
}

/** Throws what `reasonOf` takes where the record is not what the manifest says. */
export async function readLeafRecord(
  store: Store,
  { key }: Pick<ManifestLeaf, "key">,
  signal: AbortSignal,
): Promise<LeafRecord> {
  return readNamed(store, key, { parse: parseLeafRecord, signal });
}

async function readNamed<T>(
  store: Store,
  key: string,
  { parse, signal }: { readonly parse: (key: string, text: string) => T; readonly signal: AbortSignal },
): Promise<T> {
  const text = await store.getText(key, signal);
  try {
    return parse(key, text);
  } catch (error) {
    // the settings are right, and an older backup may do
    if (error instanceof SettingsFault) throw new RestoreRefusal(error.faults.join("; "), { isNewer: true });
    throw error;
  }
}
