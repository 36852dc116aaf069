import type { LegacyLeaf } from "../db/legacy/catalog.ts";
import { listLeavesOf } from "../partition/layout.ts";

/** Measured: an old row with its key copied into the new table. */
const WAL_PER_ROW = 214;
/** An empty new leaf with its two indexes. */
const NEW_LEAF_BYTES = 64 * 1024;

/** Space beside the database as it is, at the peak, and WAL that is written in all; bytes. */
export type DiskNeed = { readonly extraBytes: number; readonly walBytes: number };

/**
 * An old leaf goes only after its copy is there, so the peak is the largest leaf once more. It is counted twice: rows of
 * many coins come into one new index in no order, which leaves its pages half full.
 */
export function estimateDisk(leaves: readonly LegacyLeaf[], now: number): DiskNeed {
  let [largest, rows] = [0, 0];
  const names = new Set<string>();
  for (const leaf of leaves) {
    largest = Math.max(largest, leaf.bytes);
    rows += leaf.rows;
    const span = { from: Math.max(leaf.span.from, Date.UTC(2009, 0)), to: Math.min(leaf.span.to, now) };
    if (leaf.rows > 0) for (const { name } of listLeavesOf(leaf.interval, span)) names.add(name);
  }
  return { extraBytes: 2 * largest + names.size * NEW_LEAF_BYTES, walBytes: rows * WAL_PER_ROW };
}
