import { type Manifest, type ManifestName, parseManifestKey } from "../archive/manifest.ts";

/** The manifests of a tier, newest first, and what lies among them under a name that no manifest has. */
export type ListedManifests = {
  readonly newestFirst: readonly ManifestName[];
  readonly strangers: readonly string[];
};

/** From the keys below `manifests/`, in any order. */
export function orderManifests(keys: Iterable<string>): ListedManifests {
  const names: ManifestName[] = [];
  const strangers: string[] = [];
  for (const key of keys) {
    const name = parseManifestKey(key);
    if (name === null) strangers.push(key);
    else names.push(name);
  }
  return { newestFirst: names.toSorted((a, b) => (isNewer(a, b) ? -1 : 1)), strangers };
}

/** Each manifest of a tier is named at least one second after the one before, so the names alone decide. */
function isNewer(a: ManifestName, b: ManifestName): boolean {
  return a.madeAt === b.madeAt ? a.key > b.key : a.madeAt > b.madeAt;
}

/** A manifest that is not restored from, and why. */
export type Refused = { readonly key: string; readonly why: string };

export type Newest<T> = { readonly chosen: T | null; readonly refused: readonly Refused[] };

/**
 * The newest that `verify` takes. `verify` resolves to what it made of the manifest, or to the reason why nobody may
 * restore from it; then the next older one is asked.
 */
export async function findNewest<T extends object>(
  newestFirst: readonly ManifestName[],
  verify: (name: ManifestName) => Promise<T | string>,
): Promise<Newest<T>> {
  const refused: Refused[] = [];
  for (const name of newestFirst) {
    const answer = await verify(name);
    if (typeof answer !== "string") return { chosen: answer, refused };
    refused.push({ key: name.key, why: answer });
  }
  return { chosen: null, refused };
}

/**
 * A sentence where the manifest before this one is gone; null where it is there, or where there was none, or where a prune
 * recorded that it took it away. A finding for a person: what this manifest itself names can still be whole. A predecessor
 * that changed shows as gone too, since its hash is in its name.
 */
export function findBreak(
  { previous }: Pick<Manifest, "previous">,
  present: ReadonlySet<string>,
  pruned: ReadonlySet<string>,
): string | null {
  if (previous === null || present.has(previous.key) || pruned.has(previous.key)) return null;
  return `the manifest before it (${previous.key}) is gone, and no prune took it away: look who removed it`;
}

/**
 * The time (ms, whole seconds) that a new manifest is named by: now, or one second after the newest of any tier, so that
 * two manifests of one second, or a clock that was set back, do not make an older one the newest.
 */
export function nameTime(now: number, newest: readonly (ManifestName | null)[]): number {
  const second = Math.floor(now / 1000) * 1000;
  return newest.reduce(
    (time, name) => Math.max(time, name === null ? 0 : Date.parse(name.madeAt) + 1000),
    second,
  );
}
