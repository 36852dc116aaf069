import { MINUTE_MS } from "../../time.ts";
import { type BackupLeaf, type LeafPart, tableOf } from "../backup/backup-leaf.ts";
import { readPartStates } from "../backup/part-state.ts";
import { retryBusy } from "../lock-retry.ts";
import { onlyRow } from "../only-row.ts";
import type { OwnClient } from "../session.ts";
import { inLongTransaction } from "./long-transaction.ts";

/** A backfill that a person started may hold the leaf for as long as one page takes. */
const PATIENCE_MS = MINUTE_MS;

const hasRows = (leaf: BackupLeaf) => `select exists (select from ${tableOf(leaf)}) as "hasRows"`;

/**
 * One transaction that loads a leaf of the live table, from which nobody but this session writes it: nothing of the leaf
 * stays where `fill` throws. Readers are not held back. Rows that the leaf has go: candles that somebody fetched
 * meanwhile, and what of them the backup lacks is fetched again.
 */
export async function inLeafTransaction<T>(
  client: OwnClient,
  { leaf, signal }: { readonly leaf: BackupLeaf; readonly signal: AbortSignal },
  fill: () => Promise<T>,
): Promise<T> {
  const until = performance.now() + PATIENCE_MS;
  const lock = () => client.query(`lock table ${tableOf(leaf)} in share row exclusive mode`);
  return inLongTransaction(client, async () => {
    await client.query("savepoint before_lock");
    await retryBusy(
      () =>
        lock().catch(async (error: unknown) => {
          await client.query("rollback to savepoint before_lock");
          throw error;
        }),
      until,
      signal,
    );
    // the rows must not belong to the savepoint
    await client.query("release savepoint before_lock");
    const { hasRows: hadRows } = onlyRow(await client.query<{ hasRows: boolean }>(hasRows(leaf)));
    if (hadRows) await client.query(`delete from ${tableOf(leaf)}`);
    return fill();
  });
}

/** The sums of the hashes of these parts as they are now, by coin and interval. */
export async function readHashes(
  client: OwnClient,
  leaf: BackupLeaf,
  parts: readonly LeafPart[],
): Promise<ReadonlyMap<string, bigint>> {
  if (parts.length === 0) return new Map();
  const states = await readPartStates(client, leaf, parts);
  return new Map(states.map((state) => [partName(state), state.hash]));
}

export const partName = ({ coinId, interval }: LeafPart) => `${coinId} ${interval}`;

/** Outside of a transaction. */
export async function analyzeTables(client: OwnClient, tables: readonly string[]): Promise<void> {
  if (tables.length > 0) await client.query(`analyze ${tables.join(", ")}`);
}
