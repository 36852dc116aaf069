import { onlyRow } from "../only-row.ts";
import type { OwnClient } from "../session.ts";
import { type BackupLeaf, tableOf } from "./backup-leaf.ts";

/** Until the end of the transaction no swap puts another table in the place of this one. */
const HOLD = (leaf: BackupLeaf) => `lock table only ${tableOf(leaf)} in access share mode`;
/** pg_class is read as the snapshot shows it, and to_regclass looks at the catalog as it is now. */
const COMPARE = `
  select to_regclass($1) is distinct from (
    select c.oid from pg_class c where c.relname = $2 and c.relnamespace = 'r3a'::regnamespace)::regclass as "isReplaced"`;

/**
 * Whether the name of the leaf belongs to another table than at the snapshot of the transaction: a swap moved the leaf since.
 * The snapshot is older than the rows of that table and shows none of them, so each candle would look as if it had vanished.
 */
export async function isReplaced(client: OwnClient, leaf: BackupLeaf): Promise<boolean> {
  await client.query(HOLD(leaf));
  return onlyRow(await client.query<{ isReplaced: boolean }>(COMPARE, [tableOf(leaf), leaf.name])).isReplaced;
}
