import type { Readable } from "node:stream";
import pg from "pg";
import type { OwnClient } from "../session.ts";
import { type BackupLeaf, isChangedSince, tableOf } from "./backup-leaf.ts";
import { asSum, columnsOf, rowHash } from "./row-hash.ts";
import type { Snapshot } from "./snapshot.ts";

export const DOUBT_COLUMNS = `leaf, coin_id, "interval", "timestamp", hash, backup_id`;

/**
 * The rows of the leaf that the snapshot shows although their transaction is not below its xmin: the next backup meets them
 * once more. As lines for `copy r3a.backup_doubt (DOUBT_COLUMNS) from stdin`, since one transaction may have filled a leaf.
 */
export function copyDoubts(
  client: OwnClient,
  leaf: BackupLeaf,
  { backup, facts }: Pick<Snapshot, "backup" | "facts">,
): Readable {
  const horizon = pg.escapeLiteral(String(facts.xmin));
  return client.copyOut(`
    copy (select ${pg.escapeLiteral(leaf.name)}, t.coin_id, t."interval", t."timestamp", ${asSum(rowHash(columnsOf("t")))}, ${backup}
          from ${tableOf(leaf)} t where ${isChangedSince("t", horizon)}) to stdout`);
}
