import type { Detector } from "../contract/damage.ts";
import type { BackupLeaf } from "../db/backup/backup-leaf.ts";
import type { Database } from "../db/connect.ts";
import { damagedOf } from "../db/connection/damage.ts";
import type { Finding } from "../db/leaf/damage-rows.ts";
import { checkByAmcheck, compareKeys, type LeafIndex, listBtrees } from "../db/scrub/index-check.ts";
import { withShortWaits } from "../db/scrub/look-session.ts";
import { faultOfRead, wordsOf } from "../db/scrub/read-fault.ts";
import type { OwnClient } from "../db/session.ts";
import type { LeafReport } from "./report.ts";

/** `amcheck`: the schema of the extension; null: it cannot be used. */
export type IndexTools = {
  readonly db: Database;
  readonly signal: AbortSignal;
  readonly amcheck: string | null;
};

/**
 * Checks each B-tree of a leaf. `withRows`: every row could be read, so that an index is held against the table too. Without
 * amcheck only the keys of the primary key are.
 */
export async function checkIndexes(
  { db, signal, amcheck }: IndexTools,
  leaf: BackupLeaf,
  withRows: boolean,
): Promise<LeafReport> {
  const check = async (client: OwnClient, index: LeafIndex): Promise<string | null> => {
    if (amcheck === null) return index.isKey && withRows ? compareKeys(client, leaf) : null;
    await checkByAmcheck(client, index, { amcheck, withHeap: withRows });
    return null;
  };
  const indexes = await withShortWaits({ db, signal }, (client) => listBtrees(client, leaf));
  const findings: Finding[] = [];
  const skipped: string[] = [];
  for (const index of indexes) {
    try {
      // an error ends the session with its transaction
      const fault = await withShortWaits({ db, signal }, (client) => check(client, index));
      if (fault !== null) findings.push({ detector: "index", detail: `${index.name}: ${fault}` });
    } catch (error) {
      const fault = faultOfRead(error);
      if (fault === "busy" || fault === "gone") skipped.push(`${index.name}: ${wordsOf(error)}`);
      else if (fault !== "unreadable") throw error;
      else findings.push({ detector: whereIs(error), detail: `${index.name}: ${wordsOf(error)}` });
    }
  }
  const isChecked = skipped.length === 0 && (amcheck !== null || withRows);
  return { findings, checked: isChecked ? ["index"] : [], skipped: skipped.join("; ") || null };
}

/** Held against the table, an index meets its damaged pages too. */
function whereIs(error: unknown): Detector {
  const relation = damagedOf(error);
  return relation !== null && relation.indexOf === null ? "unreadable" : "index";
}
