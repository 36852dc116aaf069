import pg from "pg";
import { MINUTE_MS, renderTime } from "../../../time.ts";
import { LEAVES, type LeafRow, toAttached } from "../../attached-leaves.ts";
import { type BackupLeaf, tableOf } from "../../backup/backup-leaf.ts";
import { LEAF_LOCK_MS } from "../../leaf/guard.ts";
import { retryBusy } from "../../lock-retry.ts";
import type { OwnClient } from "../../session.ts";

/** As long as a backfill may hold the list partition. */
const PATIENCE_MS = 2 * MINUTE_MS;
const MAKE = `select r3a_util.make_leaf($1, $2, '{}')`;

/**
 * Gives a leaf that is gone its place again, so that it can be taken and swapped as every other one: a detach that was cut off
 * is ended, a table that stands alone is attached as it is, and where there is none an empty one is made. False where a
 * table that stands alone cannot be attached (`why` from the server): rows outside of the leaf, or pages that cannot be read.
 */
export async function bringBack(
  client: OwnClient,
  leaf: BackupLeaf,
  signal: AbortSignal,
): Promise<"there" | "brought"> {
  const [row] = await client.query<LeafRow>(LEAVES, [tableOf(leaf)]);
  const found = row === undefined ? null : toAttached(row);
  if (found !== null && !found.isDetaching) return "there";
  const until = performance.now() + PATIENCE_MS;
  if (found?.isDetaching === true) {
    const finalize = `alter table r3a.${pg.escapeIdentifier(leaf.parent)} detach partition ${tableOf(leaf)} finalize`;
    await retryBusy(() => briefly(client, () => client.query(finalize)), until, signal);
  }
  await retryBusy(
    () => briefly(client, () => client.query(MAKE, [leaf.parent, renderTime(leaf.span.from)])),
    until,
    signal,
  );
  return "brought";
}

/** Who waits for a lock lets every later reader wait. */
async function briefly(client: OwnClient, work: () => Promise<unknown>): Promise<void> {
  await client.query(`begin; set local lock_timeout = ${LEAF_LOCK_MS}`);
  try {
    await work();
    await client.query("commit");
  } catch (error) {
    await client.query("rollback").catch(() => {}); // the first error says why
    throw error;
  }
}
