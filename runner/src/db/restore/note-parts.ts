import type { LeafPart } from "../backup/backup-leaf.ts";
import { HASH_FORM } from "../backup/row-hash.ts";
import { SET_BASES, SET_PARTS } from "../backup/write-ledger-sql.ts";
import type { OwnClient } from "../session.ts";

/** What a leaf holds of a part after it was loaded; times in ms. `base` null: all rows came from deltas. */
export type LoadedPart = LeafPart & {
  readonly rows: number;
  readonly hash: bigint;
  readonly nullRows: number;
  readonly nullHash: bigint;
  readonly slots: Uint8Array;
  readonly first: number;
  readonly last: number;
  readonly base: { readonly key: string; readonly hash: bigint; readonly backup: number } | null;
};

/** A bitmap has 11 kB as hex: some MB at a time. */
const CHUNK = 500;

/**
 * Writes what a restore gives back for the parts of a leaf, as the backup that it was loaded from would have: so the next
 * backup finds each part as it is believed, and writes none of them again.
 */
export async function noteParts(
  client: OwnClient,
  leaf: string,
  {
    parts,
    backup,
    serverVersion,
  }: { readonly parts: readonly LoadedPart[]; readonly backup: number; readonly serverVersion: number },
): Promise<void> {
  for (let start = 0; start < parts.length; start += CHUNK) {
    const some = parts.slice(start, start + CHUNK);
    const rows = some.map(({ base: _base, ...part }) => ({
      ...part,
      ...{ leaf, hash: String(part.hash), nullHash: String(part.nullHash) },
      slots: Buffer.from(part.slots).toString("hex"),
      ...{ hashForm: HASH_FORM, serverVersion },
    }));
    await client.query(SET_PARTS, [JSON.stringify(rows), backup]);
    const based = some.flatMap(({ coinId, interval, base }) =>
      base === null ? [] : [{ coinId, interval, base }],
    );
    for (const [id, ofBackup] of Map.groupBy(based, ({ base }) => base.backup)) {
      const bases = ofBackup.map(({ coinId, interval, base }) => ({
        ...{ leaf, coinId, interval, key: base.key, hash: String(base.hash) },
      }));
      await client.query(SET_BASES, [JSON.stringify(bases), id]);
    }
  }
}
