import pg from "pg";
import type { Leaf } from "../partition/layout.ts";
import { renderTime } from "../time.ts";
import { codeOf, type Database, withClient, withTransaction } from "./connect.ts";

const LIST_LEAVES = `select relid::regclass::text as name from pg_partition_tree('r3a.ohlcv_partitioned') where isleaf`;
const LOCK_LEAF = `select pg_advisory_xact_lock(r3a_util.lock_key('leaf', $1))`;
const IS_ATTACHED = `select 1 from pg_inherits where inhrelid = to_regclass($1)`;

/** Attach waits for nobody longer than this: a waiting DDL statement makes every later reader wait too. */
const LOCK_TIMEOUT_MS = 2_000;
const ATTEMPTS = 10;
const LOCK_NOT_AVAILABLE = "55P03";
const DEADLOCK = "40P01";

/** Names (without schema) of the leaves that exist. */
export async function listLeafNames(db: Database): Promise<Set<string>> {
  return withClient(db, async (client) => {
    const { rows } = await client.query<{ name: string }>(LIST_LEAVES);
    return new Set(rows.map(({ name }) => name.replace(/^r3a\./, "")));
  });
}

/**
 * Creates a leaf with all indexes of its parent and attaches it: SHARE UPDATE EXCLUSIVE on the parent, so readers and
 * writers go on, where CREATE ... PARTITION OF would lock them out. Does nothing where it exists.
 */
export async function ensureLeaf(db: Database, leaf: Leaf): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await createLeaf(db, leaf);
      return;
    } catch (error) {
      const isBusy = codeOf(error) === LOCK_NOT_AVAILABLE || codeOf(error) === DEADLOCK;
      if (!isBusy) throw error;
      if (attempt === ATTEMPTS) {
        throw new Error(
          `leaf r3a.${leaf.name} could not be attached in ${ATTEMPTS} tries: a long transaction holds r3a.${leaf.parent}`,
          { cause: error },
        );
      }
    }
  }
}

async function createLeaf(db: Database, leaf: Leaf): Promise<void> {
  const table = `r3a.${pg.escapeIdentifier(leaf.name)}`;
  const parent = `r3a.${pg.escapeIdentifier(leaf.parent)}`;
  const [from, to] = [leaf.span.from, leaf.span.to].map((ms) => pg.escapeLiteral(renderTime(ms)));
  await withTransaction(db, async (client) => {
    await client.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
    // two attaches to one parent exclude each other anyway: here they wait in order, before either has made a table
    await client.query(LOCK_LEAF, [leaf.parent]);
    const attached = await client.query(IS_ATTACHED, [table]);
    if (attached.rowCount !== 0) return;
    await client.query(`create table if not exists ${table} (like ${parent} including all)`);
    await client.query(
      `alter table ${parent} attach partition ${table} for values from (${from}) to (${to})`,
    );
  });
}
