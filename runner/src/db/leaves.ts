import pg from "pg";
import { storageOf } from "../partition/desired.ts";
import type { Leaf } from "../partition/layout.ts";
import { renderTime } from "../time.ts";
import { type Database, withClient, withTransaction } from "./connect.ts";
import { codeOf } from "./fault.ts";
import { isBusy, LOCK_TIMEOUT_MS, retryBusy } from "./lock-retry.ts";

const LIST_LEAVES = `select relid::regclass::text as name from pg_partition_tree('r3a.ohlcv_partitioned') where isleaf`;
const LOCK_LEAF = `select pg_advisory_xact_lock(r3a_util.lock_key('leaf', $1))`;
const IS_ATTACHED = `select 1 from pg_inherits where inhrelid = to_regclass($1)`;

const PATIENCE_MS = 25_000;

/** Names (without schema) of the leaves that exist. */
export async function listLeafNames(db: Database): Promise<Set<string>> {
  return withClient(db, async (client) => {
    const { rows } = await client.query<{ name: string }>(LIST_LEAVES);
    return new Set(rows.map(({ name }) => name.replace(/^r3a\./, "")));
  });
}

/**
 * Creates a leaf with its storage settings and all indexes of its parent, and attaches it: SHARE UPDATE EXCLUSIVE on the
 * parent, so readers and writers go on, where CREATE ... PARTITION OF would lock them out. A table of its name that a
 * crash left is attached as it is. Does nothing where the leaf exists. Gives up at `until` (of performance.now) at the
 * latest.
 */
export async function ensureLeaf(
  db: Database,
  leaf: Leaf,
  signal?: AbortSignal,
  until = Number.POSITIVE_INFINITY,
): Promise<void> {
  const startedAt = performance.now();
  try {
    await retryBusy(() => createLeaf(db, leaf), Math.min(until, startedAt + PATIENCE_MS), signal);
  } catch (error) {
    if (!isBusy(error)) throw error;
    throw Object.assign(
      new Error(
        `leaf r3a.${leaf.name} could not be attached in ${Math.round((performance.now() - startedAt) / 1000)} s: a long transaction holds r3a.${leaf.parent}`,
        { cause: error },
      ),
      { code: codeOf(error) },
    );
  }
}

async function createLeaf(db: Database, leaf: Leaf): Promise<void> {
  const table = `r3a.${pg.escapeIdentifier(leaf.name)}`;
  const parent = `r3a.${pg.escapeIdentifier(leaf.parent)}`;
  const [from, to] = [leaf.span.from, leaf.span.to].map((ms) => pg.escapeLiteral(renderTime(ms)));
  const storage = Object.entries(storageOf(leaf, Date.now())).map(([name, value]) => `${name} = ${value}`);
  const options = storage.length > 0 ? `with (${storage.join(", ")})` : "";
  await withTransaction(db, async (client) => {
    await client.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
    // two attaches to one parent exclude each other anyway: here they wait in order, before either has made a table
    await client.query(LOCK_LEAF, [leaf.parent]);
    const attached = await client.query(IS_ATTACHED, [table]);
    if (attached.rowCount !== 0) return;
    await client.query(`create table if not exists ${table} (like ${parent} including all) ${options}`);
    await client.query(
      `alter table ${parent} attach partition ${table} for values from (${from}) to (${to})`,
    );
  });
}
