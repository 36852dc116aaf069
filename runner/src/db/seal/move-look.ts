import { openBackup, snapshotValues } from "../backup/backup-rows.ts";
import { readCounters } from "../backup/leaf-counters.ts";
import { ORDER_KEY, readFacts } from "../backup/snapshot.ts";
import { FORGET_DOUBTS, SET_LOOK } from "../backup/write-ledger-sql.ts";
import { lockLeafState } from "../leaf/state.ts";
import type { OwnClient } from "../session.ts";

/** Released at the end of the transaction, some ms later. */
const LOCK_ORDER = `select pg_advisory_xact_lock($1::bigint)`;
const STORE = `update r3a.backup set outcome = 'stored', is_whole = false, finished_at = now() where id = $1`;

/**
 * Tells the ledger that a backup has looked at the new table of a swapped leaf, which holds what the backup before the swap
 * judged: else the next delta would read the leaf anew. `xid`: the transaction that wrote the rows. False, and nothing is
 * written, where an older transaction is under way somewhere on the server, so that the rows would look as if they had
 * changed since, or where the leaf was reopened meanwhile: then the next backup reads the leaf.
 */
export async function moveLook(
  client: OwnClient,
  {
    leaf,
    token,
    runId,
    xid,
  }: { readonly leaf: string; readonly token: string; readonly runId: string; readonly xid: string },
): Promise<boolean> {
  await client.query("begin");
  try {
    const isMoved = await move(client, { leaf, token, runId, xid });
    await client.query(isMoved ? "commit" : "rollback");
    return isMoved;
  } catch (error) {
    await client.query("rollback").catch(() => {}); // the first error says why
    throw error;
  }
}

async function move(
  client: OwnClient,
  { leaf, token, runId, xid }: Parameters<typeof moveLook>[1],
): Promise<boolean> {
  const held = await lockLeafState(client, leaf);
  if (held?.state !== "sealed" || held.token !== token) return false;
  // before the snapshot, as in each backup: what is counted, the snapshot shows
  const counter = (await readCounters(client)).get(leaf);
  if (counter === undefined) return false;
  await client.query(LOCK_ORDER, [ORDER_KEY]);
  const backup = await openBackup(client, { runId, kind: "seal" });
  const facts = await readFacts(client);
  if (facts.xmin <= BigInt(xid)) return false;
  await client.query(...snapshotValues(backup, facts));
  await client.query(STORE, [backup]);
  await client.query(SET_LOOK, [leaf, String(counter.changes), counter.countedAs, backup]);
  await client.query(FORGET_DOUBTS, [leaf]);
  return true;
}
