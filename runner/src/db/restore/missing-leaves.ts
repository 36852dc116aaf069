import type { BackupLeaf } from "../backup/backup-leaf.ts";
import type { OwnClient } from "../session.ts";

const MAKE = `
  select r3a_util.make_leaf(parent, to_timestamp("from" / 1000), '{}') from jsonb_to_recordset($1) as l (parent text, "from" float8)
  order by parent, "from"`;

/** Makes the leaves that a backup holds and its schema lacks: somebody dropped them, and the rows are believed all the same. */
export async function makeMissingLeaves(client: OwnClient, leaves: readonly BackupLeaf[]): Promise<void> {
  await client.query(MAKE, [JSON.stringify(leaves.map(({ parent, span }) => ({ parent, from: span.from })))]);
}
