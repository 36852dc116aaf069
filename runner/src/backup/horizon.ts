import type { SnapshotFacts } from "../db/backup/backup-rows.ts";

/** The server and the numbers of transactions of a backup. */
export type Server = Pick<SnapshotFacts, "xmin" | "nextXid" | "systemIdentifier" | "timeline">;

/** Half of what the server can tell apart: beyond this a row that changed long ago could look as if it were in the future. */
const FARTHEST = 1_000_000_000n;
/**
 * The number of a transaction from which on rows may have changed since the earlier backup; null where the numbers say
 * nothing about it: another server, a promoted standby, a counter that is behind, or a distance that wraps around.
 */
export function horizonOf(earlier: Server | undefined, now: Server): bigint | null {
  if (earlier === undefined) return null;
  const isOther = earlier.systemIdentifier !== now.systemIdentifier || earlier.timeline !== now.timeline;
  const isBehind = now.nextXid < earlier.nextXid;
  const isFar = now.nextXid - earlier.xmin > FARTHEST;
  return isOther || isBehind || isFar ? null : earlier.xmin;
}
