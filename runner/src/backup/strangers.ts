import type { ManifestName } from "../archive/manifest.ts";
import { TextFault } from "../archive/named-text.ts";
import { parseManifest } from "../archive/parse-manifest.ts";
import type { Tier } from "../contract/tiers.ts";
import { hasBackupOfRun, lookUpManifest } from "../db/backup/known-manifests.ts";
import type { OwnClient } from "../db/session.ts";
import { SettingsFault } from "../errors.ts";
import { StoreFault } from "../store/fault.ts";
import type { Store } from "../store/store.ts";

/** The manifest of a tier that no run of this database explains. */
export type Stranger = { readonly tier: Tier; readonly manifest: string };

export type Before = { readonly backup: number; readonly previous: ManifestName | null };

/**
 * Whether the newest manifest of a tier before this run is of another database: two databases that write into one tier hide
 * each other's backups. null: it is not, or nobody can tell: the manifest cannot be read, or the ledger has no earlier
 * backup, as where a database was set up anew, or it was restored since from an earlier one. A run that was killed between its manifest and its ledger is known by
 * its id.
 */
export async function findStranger(
  client: OwnClient,
  store: Store,
  { before: { backup, previous }, signal }: { readonly before: Before; readonly signal: AbortSignal },
): Promise<Stranger | null> {
  if (previous === null) return null;
  const { key, madeAt } = previous;
  const { isKnown, hasOthers, restoredAt } = await lookUpManifest(client, { key, backup });
  if (isKnown || !hasOthers || (restoredAt !== null && Date.parse(madeAt) <= restoredAt)) return null;
  try {
    const { runId } = parseManifest(key, await store.getText(key, signal));
    return (await hasBackupOfRun(client, runId)) ? null : { tier: store.tier, manifest: key };
  } catch (error) {
    // nobody can tell, and the manifest of this run is there
    if ([StoreFault, TextFault, SettingsFault].some((fault) => error instanceof fault)) return null;
    throw error;
  }
}

export function renderStranger({ tier, manifest }: Stranger): string {
  return `${tier}: the newest manifest ${manifest} was of another database or of a run that this ledger does not know; two databases must not share a tier`;
}
