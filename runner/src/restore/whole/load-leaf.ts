import { leafOfName, type PartRecord } from "../../archive/leaf-record.ts";
import type { Manifest } from "../../archive/manifest.ts";
import type { BackupLeaf } from "../../db/backup/backup-leaf.ts";
import type { FoundPart } from "../../db/backup/found-parts.ts";
import { COPY_COLUMNS } from "../../db/copy-lines.ts";
import { inLeafTransaction, partName, readHashes } from "../../db/restore/live-leaf.ts";
import { noteParts } from "../../db/restore/note-parts.ts";
import { shrinkPendingGaps } from "../../db/restore/pending-gaps.ts";
import { takeWaiting } from "../../db/restore/restoration.ts";
import { addRows } from "../../db/restore/scratch-leaf.ts";
import { type NotedObject, noteObjects } from "../../db/restore/settle-ledger.ts";
import type { OwnClient } from "../../db/session.ts";
import { checkLeaf } from "../check-leaf.ts";
import { apply, applyDelta, type Source, type Step, scratchOf } from "../restore-leaf.ts";
import type { LeafToLoad } from "../try-candidates.ts";

const CANDLE_COLUMNS = COPY_COLUMNS.split(",").map((column) => column.trim().replaceAll('"', ""));

/**
 * Loads one leaf of the live table from one candidate, in a transaction of its own: rows, what the ledger of backups knows
 * of them, and the gaps that waited for them. Throws what `reasonOf` takes where the backup is at fault.
 */
export async function loadLeaf(client: OwnClient, wanted: LeafToLoad, source: Source): Promise<void> {
  const { plan, candidate, manifest, versions } = wanted;
  const leaf: BackupLeaf = { name: plan.name, parent: plan.parent, span: plan.span };
  const live = scratchOf(plan, "r3a");
  const [bases, deltas] = ["base", "delta"].map((kind) => plan.steps.filter((step) => step.kind === kind));
  await inLeafTransaction(client, { leaf, signal: source.signal }, async () => {
    for (const step of bases ?? []) await apply(step, source, (rows) => addRows(client, live, rows));
    const hashes = await readHashes(client, leaf, listGrown(plan.parts, deltas ?? []));
    for (const step of deltas ?? []) await applyDelta(client, { leaf: live, step }, source);
    const found = await checkLeaf(client, leaf, { parts: plan.parts, ...versions });
    await noteObjects(client, listObjects(wanted), candidate.tier);
    const parts = found.map((part) => ({ ...part, base: baseOf(part, { wanted, hashes }) }));
    await noteParts(client, leaf.name, { parts, backup: manifest.backup, serverVersion: versions.here });
    await takeWaiting(client, leaf.name);
    await shrinkPendingGaps(client, live, found);
  });
}

/** A leaf that no backup will ever have: what is covered there is asked of the exchange. */
export async function giveUpLeaf(client: OwnClient, name: string, signal: AbortSignal): Promise<void> {
  const leaf = leafOfName(name);
  await inLeafTransaction(client, { leaf, signal }, async () => {
    await takeWaiting(client, name);
    await shrinkPendingGaps(client, scratchOf(leaf, "r3a"), []);
  });
}

/** The parts with a base that a delta changes: their base has another hash than they have in the end. */
function listGrown(parts: readonly PartRecord[], deltas: readonly Step[]): readonly PartRecord[] {
  const grown = new Set(deltas.flatMap((step) => step.parts));
  return parts.filter((part) => part.base !== null && grown.has(part));
}

type Known = { readonly wanted: LeafToLoad; readonly hashes: ReadonlyMap<string, bigint> };

function baseOf(part: FoundPart, { wanted: { plan }, hashes }: Known) {
  const record = plan.parts.find((each) => partName(each) === partName(part));
  if (record === undefined || record.base === null || record.baseBackup === null) return null;
  const step = plan.steps.find(({ kind, parts }) => kind === "base" && parts.includes(record));
  if (step === undefined) return null;
  return { key: step.object.key, hash: hashes.get(partName(part)) ?? part.hash, backup: record.baseBackup };
}

function listObjects({ plan, manifest }: LeafToLoad): readonly NotedObject[] {
  const ofLeaf = new Map(deltasOf(manifest, plan.name).map((delta) => [delta.key, delta]));
  return plan.steps.flatMap(({ kind, object, parts }): NotedObject[] => {
    if (kind === "base") {
      const backup = Math.min(...parts.map(({ baseBackup }) => baseBackup ?? manifest.backup));
      return [{ ref: object, backup, use: null }];
    }
    const delta = ofLeaf.get(object.key);
    if (delta === undefined) return [];
    const { key, leaf, backup, from, to } = delta;
    const span = { first: Date.parse(from), last: Date.parse(to) };
    return [{ ref: object, backup, use: { key, kind: "delta", leaf, ...span, columns: CANDLE_COLUMNS } }];
  });
}

function deltasOf({ deltas }: Manifest, leaf: string): Manifest["deltas"] {
  return deltas.filter((delta) => delta.leaf === leaf);
}
