import { pipeline } from "node:stream/promises";
import type pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import type { Database } from "../connect.ts";
import { type OwnClient, withTransaction } from "../session.ts";
import type { BackupLeaf, LeafPart } from "./backup-leaf.ts";
import { copyDoubts, DOUBT_COLUMNS } from "./doubts.ts";
import type { GapSeries } from "./gap-series.ts";
import type { LeafCounter } from "./leaf-counters.ts";
import type { PartBase, StoredPart, Suspect } from "./ledger.ts";
import { HASH_FORM } from "./row-hash.ts";
import type { Snapshot } from "./snapshot.ts";
import type { ObjectUse, Tier } from "./stored-objects.ts";
import * as SQL from "./write-ledger-sql.ts";

export type PartWrite = Omit<StoredPart, "asOf" | "base" | "hashForm">;

/** A leaf that the backup looked at: the parts that changed, and the new bases (of parts that the ledger then has). */
export type LeafWrite = {
  readonly leaf: BackupLeaf;
  readonly counter: LeafCounter;
  readonly parts: readonly PartWrite[];
  readonly bases: readonly (LeafPart & Omit<PartBase, "backup">)[];
};

export type ObjectCopy = { readonly key: string; readonly tier: Tier; readonly verifiedAt: number };

/**
 * What a backup leaves in the ledger beside its objects, which were noted before they were put. `gone` and `accepted` are ids of open suspects; `rows`, `bytes`: of the objects that it
 * made. `leaves` is asked again where the server ended the transaction for the sake of another one.
 */
export type LedgerWrite = {
  readonly isWhole: boolean;
  readonly rows: number;
  readonly bytes: number;
  readonly copies: readonly ObjectCopy[];
  readonly uses: readonly ObjectUse[];
  readonly gapSeries: readonly GapSeries[];
  readonly found: readonly Suspect[];
  readonly gone: readonly number[];
  readonly accepted: {
    readonly ids: readonly number[];
    readonly reason: string;
    readonly runId: string;
  } | null;
  readonly leaves: () => Iterable<LeafWrite> | AsyncIterable<LeafWrite>;
};

/**
 * Writes everything in one transaction; the caller holds the lock `backup-manifest`. Of a part that a later backup wrote only
 * the base can change, and of a leaf that a later one looked at nothing else. The backup is `stored` then.
 */
export async function writeLedger(db: Database, snapshot: Snapshot, write: LedgerWrite): Promise<void> {
  await snapshot.beside((reader) =>
    withTransaction(db, async (client) => {
      const { backup } = snapshot;
      const { rowCount } = await client.query(SQL.STORE_BACKUP, [
        backup,
        write.isWhole,
        write.rows,
        write.bytes,
      ]);
      if (rowCount !== 1)
        throw new Error(`backup ${backup} is not running any more: another one of its kind closed it`);
      await inChunks(client, SQL.ADD_COPIES, write.copies);
      await inChunks(client, SQL.ADD_USES, write.uses, backup);
      await inChunks(client, SQL.SET_GAP_SERIES, write.gapSeries.map(asText), backup);
      await inChunks(client, SQL.ADD_SUSPECTS, write.found.map(asText), backup);
      await client.query(SQL.CLOSE_GONE, [write.gone]);
      if (write.accepted !== null) {
        const { ids, reason, runId } = write.accepted;
        await client.query(SQL.ACCEPT, [ids, reason, runId]);
      }
      for await (const leaf of write.leaves()) await writeLeaf(client, reader, { snapshot, ...leaf });
    }),
  );
}

async function writeLeaf(
  client: pg.PoolClient,
  reader: OwnClient,
  { snapshot, leaf, counter, parts, bases }: LeafWrite & { readonly snapshot: Snapshot },
): Promise<void> {
  const { backup } = snapshot;
  const rows = parts.map((part) => ({
    ...part,
    ...{ leaf: leaf.name, hash: String(part.hash), nullHash: String(part.nullHash) },
    slots: Buffer.from(part.slots).toString("hex"),
    hashForm: HASH_FORM,
  }));
  await inChunks(client, SQL.SET_PARTS, rows, backup);
  const based = bases.map((base) => ({ ...base, leaf: leaf.name, hash: String(base.hash) }));
  await inChunks(client, SQL.SET_BASES, based, backup);
  const values = [leaf.name, String(counter.changes), counter.countedAs, backup];
  const { rowCount } = await client.query(SQL.SET_LOOK, values);
  if (rowCount !== 1) return;
  await client.query(SQL.FORGET_DOUBTS, [leaf.name]);
  await pipeline(
    copyDoubts(reader, leaf, snapshot),
    client.query(copyFrom(`copy r3a.backup_doubt (${DOUBT_COLUMNS}) from stdin`)),
  );
}

/** A bitmap has 11 kB as hex: some MB at a time. */
const CHUNK = 500;

async function inChunks(
  client: pg.PoolClient,
  statement: string,
  rows: readonly object[],
  ...values: readonly number[]
): Promise<void> {
  for (let start = 0; start < rows.length; start += CHUNK)
    await client.query(statement, [JSON.stringify(rows.slice(start, start + CHUNK)), ...values]);
}

function asText<Row extends { readonly hash: bigint | null }>(
  row: Row,
): Omit<Row, "hash"> & { hash: string | null } {
  return { ...row, hash: row.hash === null ? null : String(row.hash) };
}
