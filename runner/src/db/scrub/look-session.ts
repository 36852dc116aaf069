import type { LeafPart } from "../backup/backup-leaf.ts";
import { type BackupLeaf, tableOf } from "../backup/backup-leaf.ts";
import { listStoredParts } from "../backup/ledger.ts";
import { readPartStates } from "../backup/part-state.ts";
import type { Database } from "../connect.ts";
import { type OwnClient, own } from "../session.ts";

/** Who waits for a leaf longer than this leaves it for the next run. */
export const WAIT_MS = 10_000;

/** A session of its own, in which no statement waits for a lock for longer than WAIT_MS. */
export async function withShortWaits<T>(
  { db, signal }: { readonly db: Database; readonly signal: AbortSignal },
  work: (client: OwnClient) => Promise<T>,
): Promise<T> {
  return own(db, signal, async (client) => {
    await client.query(`set lock_timeout = ${WAIT_MS}`);
    return work(client);
  });
}

/**
 * Before the snapshot: a snapshot that is older than a swap shows no row of the new table, and each candle looks as if it had
 * vanished.
 */
export const lockLeaf = (leaf: BackupLeaf) => `lock table only ${tableOf(leaf)} in access share mode`;

/**
 * An index answers for the table where the pages of the table count as visible to all, also for rows that are gone, so no
 * statement may be answered from an index alone.
 */
const BEGIN = (leaf: BackupLeaf) => `
  begin isolation level repeatable read read only; set local enable_indexonlyscan = off; set local lock_timeout = ${WAIT_MS};
  ${lockLeaf(leaf)}`;
/** Of each row only what the table itself has. */
const WITHOUT_INDEXES = `set local enable_indexscan = off; set local enable_bitmapscan = off`;

/** Runs `work` in a session of its own, in one snapshot, and only reads. Waits WAIT_MS for a lock at most. */
export async function withLook<T>(
  { db, signal }: { readonly db: Database; readonly signal: AbortSignal },
  leaf: BackupLeaf,
  work: (client: OwnClient) => Promise<T>,
): Promise<T> {
  return own(db, signal, async (client) => {
    await client.query(BEGIN(leaf));
    const result = await work(client);
    await client.query("commit");
    return result;
  });
}

/** The first row of the table, from its file: an error of the server tells that the file is gone. */
const READ_ONE = (leaf: BackupLeaf) => `select 1 as one from ${tableOf(leaf)} limit 1`;

export async function hasRow(client: OwnClient, leaf: BackupLeaf): Promise<boolean> {
  await client.query(WITHOUT_INDEXES);
  return (await client.query<{ one: number }>(READ_ONE(leaf))).length > 0;
}

/**
 * The parts that have fewer rows in the table than the backups restore, by a read without any index: for a leaf with an index
 * that leads nowhere.
 */
export async function listLackingRows(
  client: OwnClient,
  leaf: BackupLeaf,
): Promise<readonly (LeafPart & { readonly lacking: number })[]> {
  const stored = await listStoredParts(client, leaf);
  await client.query(WITHOUT_INDEXES);
  const states = await readPartStates(client, leaf);
  return stored.flatMap(({ coinId, interval, rows }) => {
    const now = states.find((state) => state.coinId === coinId && state.interval === interval)?.rows ?? 0;
    return now < rows ? [{ coinId, interval, lacking: rows - now }] : [];
  });
}
