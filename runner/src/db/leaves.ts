import { SettingsFault } from "../errors.ts";
import { storageOf } from "../partition/desired.ts";
import type { Leaf } from "../partition/layout.ts";
import { renderTime } from "../time.ts";
import { type Database, withClient } from "./connect.ts";
import { codeOf } from "./fault.ts";
import { Busy, isBusy, LOCK_TIMEOUT_MS, retryBusy } from "./lock-retry.ts";
import { withTransaction } from "./session.ts";
import { INSUFFICIENT_PRIVILEGE } from "./sqlstate.ts";

const LIST_LEAVES = `select relid::regclass::text as name from pg_partition_tree('r3a.ohlcv_partitioned') where isleaf`;
/** The function runs with the rights of the owner of the parent: see the migration 000003_leaves. */
const MAKE_LEAF = `select r3a_util.make_leaf($1, $2, $3) as name`;

const LEAF_PATIENCE_MS = 25_000;

const NO_RIGHT =
  "the role of DB_URL may not make it: maint with the owner's role makes it now, and migrate --roles gives every writer the right (docs/database.md)";

/** Names (without schema) of the leaves that exist. */
export async function listLeafNames(db: Database): Promise<Set<string>> {
  return withClient(db, async (client) => {
    const { rows } = await client.query<{ name: string }>(LIST_LEAVES);
    return new Set(rows.map(({ name }) => name.replace(/^r3a\./, "")));
  });
}

/**
 * Creates a leaf with its storage settings and all indexes of its parent, and attaches it. This takes SHARE UPDATE
 * EXCLUSIVE on the parent, so readers and writers go on; CREATE ... PARTITION OF would lock them out. A table with the
 * name of the leaf, which a crash left, is attached as it is. Does nothing where the leaf exists. Gives up at `until`
 * (of performance.now) at the latest.
 */
export async function ensureLeaf(
  db: Database,
  leaf: Leaf,
  {
    signal,
    until = Number.POSITIVE_INFINITY,
  }: { readonly signal?: AbortSignal; readonly until?: number } = {},
): Promise<void> {
  const startedAt = performance.now();
  try {
    await retryBusy(() => createLeaf(db, leaf), Math.min(until, startedAt + LEAF_PATIENCE_MS), signal);
  } catch (error) {
    if (codeOf(error) === INSUFFICIENT_PRIVILEGE)
      throw new SettingsFault([`leaf r3a.${leaf.name} is missing, and ${NO_RIGHT}`], { cause: error });
    if (!isBusy(error)) throw error;
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    throw new Busy(
      `leaf r3a.${leaf.name} could not be attached in ${seconds} s: a long transaction holds r3a.${leaf.parent}`,
      error,
    );
  }
}

async function createLeaf(db: Database, leaf: Leaf): Promise<void> {
  const storage = JSON.stringify(storageOf(leaf, Date.now()));
  await withTransaction(db, async (client) => {
    await client.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
    const values = [leaf.parent, renderTime(leaf.span.from), storage];
    const { rows } = await client.query<{ name: string }>(MAKE_LEAF, values);
    if (rows[0]?.name !== leaf.name)
      throw new Error(`r3a_util.make_leaf made ${rows[0]?.name} in the place of ${leaf.name}`);
  });
}
