import { LEAF_SCRATCH_SCHEMA } from "../../contract/names.ts";
import type { BackupLeaf } from "../../db/backup/backup-leaf.ts";
import { makeScratch } from "../../db/leaf/scratch.ts";
import { inLongTransaction } from "../../db/restore/long-transaction.ts";
import { addKey, addRows, type ScratchLeaf } from "../../db/restore/scratch-leaf.ts";
import type { OwnClient } from "../../db/session.ts";
import { checkLeaf } from "../check-leaf.ts";
import { apply, applyDelta, type Source, scratchOf } from "../restore-leaf.ts";
import type { LeafToLoad } from "../try-candidates.ts";

/**
 * Builds the scratch table of a leaf from one candidate and compares it with its record. The key comes before the deltas, the
 * other indexes come later. Throws what `reasonOf` takes where the backup is at fault: then the table is empty.
 */
export async function buildScratch(
  client: OwnClient,
  { plan, versions }: LeafToLoad,
  source: Source,
): Promise<void> {
  const leaf: BackupLeaf = { name: plan.name, parent: plan.parent, span: plan.span };
  const scratch: ScratchLeaf = scratchOf(plan, LEAF_SCRATCH_SCHEMA);
  const ofKind = (kind: "base" | "delta") => plan.steps.filter((step) => step.kind === kind);
  await makeScratch(client, leaf);
  await inLongTransaction(client, async () => {
    for (const step of ofKind("base")) await apply(step, source, (rows) => addRows(client, scratch, rows));
    await addKey(client, scratch);
    for (const step of ofKind("delta")) await applyDelta(client, { leaf: scratch, step }, source);
    await checkLeaf(client, { ...leaf, schema: LEAF_SCRATCH_SCHEMA }, { parts: plan.parts, ...versions });
  });
}

/** A scratch table without a row, for a leaf that no backup gives. */
export async function buildEmpty(client: OwnClient, leaf: BackupLeaf): Promise<void> {
  await makeScratch(client, leaf);
  await addKey(client, scratchOf(leaf, LEAF_SCRATCH_SCHEMA));
}
