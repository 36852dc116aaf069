import { coarsen, listLacking } from "../../../restore/mend/wanted-plan.ts";
import type { BackupLeaf } from "../../backup/backup-leaf.ts";
import { listCovered } from "./covered.ts";
import { beginSearch, type FoundRows, findRows, keepFound } from "./found-rows.ts";
import { type DamagedRead, type Reach, readDamaged } from "./read-damaged.ts";
import { partName, readStored } from "./stored.ts";

/** What became of the rows of a damaged table; `pages` and `unread` as in DamagedRead. */
export type Salvaged = FoundRows & Omit<DamagedRead<unknown>, "result">;

/**
 * Takes into the scratch table of a leaf what only the damaged table `oldTable` (its name as SQL) has: candles on covered
 * slots that the scratch lacks, and values for nulls of rows whose mandatory values are equal. Rows that cannot be read, are
 * no candle, or are there twice with different values are left. Works on connections of its own, since reading may end the
 * server: the scratch table must be committed, and who holds a session of that server loses it in this case.
 */
export async function salvageRows(reach: Reach, leaf: BackupLeaf, oldTable: string): Promise<Salvaged> {
  const { result, ...read } = await readDamaged(reach, {
    table: oldTable,
    prepare: async (client) => {
      const covered = await listCovered(client, leaf, { isLocked: false });
      const stored = await readStored(client, leaf);
      const lacking = listLacking(covered, (part) => stored.get(partName(part))?.spans ?? []);
      const partly = covered
        .filter((part) => stored.get(partName(part))?.lacksValues === true)
        .map(({ coinId, interval, slots }) => ({ ...slots, coinId, interval }));
      await beginSearch(client, leaf, { lacking, wanted: coarsen(lacking), partly });
    },
    read: (client, where) => client.query(findRows(leaf, oldTable, where)),
    finish: (client) => keepFound(client, leaf),
  });
  return { ...result, ...read };
}
