import type { LegacyLeaf } from "../db/legacy/catalog.ts";
import { listLeavesOf } from "../partition/layout.ts";

/** Bytes of WAL for one old row that is copied with its key; measured. */
const WAL_PER_ROW = 214;
/** Size of an empty new leaf with its two indexes. */
const NEW_LEAF_BYTES = 64 * 1024;

/** The space that the move needs at its peak beside the database as it is, and all WAL that it writes; in bytes. */
export type DiskNeed = { readonly extraBytes: number; readonly walBytes: number };

/**
 * An old leaf is dropped after its copy is stored, so at the peak the largest leaf is there a second time. The estimate
 * counts the copy twice: rows of many coins reach one new index in no order, and this leaves the index pages half full.
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
