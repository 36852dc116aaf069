import pg from "pg";
import { MINUTE_MS, renderTime } from "../../../time.ts";
import { LEAVES, type LeafRow, toAttached } from "../../attached-leaves.ts";
import { type BackupLeaf, tableOf } from "../../backup/backup-leaf.ts";
import { briefly } from "../../leaf/guard.ts";
import { isBusy, retryBusy } from "../../lock-retry.ts";
import { onlyRow } from "../../only-row.ts";
import type { OwnClient } from "../../session.ts";

/** As long as a backfill may hold the list partition. */
const PATIENCE_MS = 2 * MINUTE_MS;
const STANDS = `select to_regclass($1) is not null as stands`;
const MAKE = `select r3a_util.make_leaf($1, $2, '{}')`;

/**
 * Gives a leaf that is gone its place again, so that jobs find a table that they can write to, and the guard sees them: a
 * detach that was cut off is ended, a table that stands alone is attached as it is, and where there is none an empty one is
 * made. A table that cannot be attached, since it has rows of another leaf or cannot be read, stays alone: the swap takes its
 * place all the same.
 */
export async function bringBack(client: OwnClient, leaf: BackupLeaf, signal: AbortSignal): Promise<void> {
  const [row] = await client.query<LeafRow>(LEAVES, [tableOf(leaf)]);
  const found = row === undefined ? null : toAttached(row);
  if (found !== null && !found.isDetaching) return;
  const until = performance.now() + PATIENCE_MS;
  const patiently = (text: string, values: readonly unknown[] = []) =>
    retryBusy(() => briefly(client, () => client.query(text, values)), until, signal);
  if (found !== null)
    await patiently(
      `alter table r3a.${pg.escapeIdentifier(leaf.parent)} detach partition ${tableOf(leaf)} finalize`,
    );
  const { stands } = onlyRow(await client.query<{ stands: boolean }>(STANDS, [tableOf(leaf)]));
  await patiently(MAKE, [leaf.parent, renderTime(leaf.span.from)]).catch((error: unknown) => {
    if (!stands || !(error instanceof pg.DatabaseError) || isBusy(error)) throw error;
  });
}
