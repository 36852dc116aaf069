import { type ManifestName, parseManifestKey } from "../archive/manifest.ts";

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
