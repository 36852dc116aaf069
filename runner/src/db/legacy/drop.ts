import type pg from "pg";
import type { Database } from "../connect.ts";
import { isBusy, LOCK_TIMEOUT_MS, retryBusy } from "../lock-retry.ts";
import { withTransaction } from "../session.ts";
import { type LegacyLeaf, listKept, listTree } from "./catalog.ts";
import type { OldColumn } from "./columns.ts";
import { type Fingerprint, fingerprint } from "./compare.ts";
import { DERIVED_LEGACY, listDependents } from "./dependents.ts";
import { LEGACY_ROOT } from "./state.ts";

/**
 * The wait for the second lock. If somebody holds it and then needs the first, the mover must be the one that gives up, so
 * this is shorter than a server's deadlock_timeout (1 s).
 */
const SECOND_LOCK_TIMEOUT_MS = 200;

/**
 * Locks the parent before the leaf, as readers do, and the leaf first at every second attempt: autovacuum gives way only to
 * a wait of more than a second, and such a wait also comes before the next reader of a leaf that always has readers.
 */
const lockBoth = (parent: string, name: string, attempt: number) => {
  const [first, second] = attempt % 2 === 1 ? [parent, name] : [name, parent];
  return `
    lock table only ${first} in access exclusive mode;
    set local lock_timeout = ${SECOND_LOCK_TIMEOUT_MS};
    lock table only ${second} in access exclusive mode`;
};

type Mover = { readonly db: Database; readonly signal: AbortSignal };

/** How long to try. The other leaves wait meanwhile, so a leaf that somebody holds for longer is left to the next run. */
const PATIENCE_MS = 8_000;

/**
 * From now on syncs ask for the gaps that no leaf filled. The notes are dropped, and of the old system's tables the one that
 * follows from the candles. The old gap log is kept: what it says is nowhere else.
 */
const FORGET = `
  update r3a.ohlcv_gap_log set evidence = '{}', next_check_at = now(), updated_at = now()
  where state = 'not_requested' and evidence ->> 'error' = 'in the old layout';
  drop table if exists ${LEGACY_ROOT}, r3a.legacy_series, r3a.legacy_coin, r3a.legacy_note, ${DERIVED_LEGACY}`;

/**
 * Drops the leaf in a transaction of its own. Returns false and drops nothing if its rows are no longer the ones that were
 * copied; the comparison is made under the lock, so that no write comes between. There is no DETACH before the drop: it took
 * 23 of 30 ms with a parent of 72 leaves.
 */
export async function dropLeaf(
  { columns, ...session }: Mover & { readonly columns: readonly OldColumn[] },
  leaf: LegacyLeaf,
  copied: Fingerprint,
): Promise<boolean> {
  const { name, parent } = leaf;
  return dropWithRetries(session, name, async (client, attempt) => {
    await client.query("set local extra_float_digits = 1");
    await client.query(lockBoth(parent, name, attempt));
    if ((await fingerprint(client, leaf, columns)) !== copied) return false;
    await client.query(`drop table ${name}`);
    return true;
  });
}

/**
 * Drops the old table's empty branches, each in a transaction, then the table itself with the notes. Returns the names of
 * the renamed old tables that are kept: only the team knows whether somebody reads them.
 */
export async function dropLegacy(db: Database, signal: AbortSignal): Promise<readonly string[]> {
  const session = { db, signal };
  for (;;) {
    const tree = await listTree(db, LEGACY_ROOT);
    const parents = new Set(tree.map(({ parent }) => parent));
    const empty = tree.filter(({ name, parent }) => parent !== null && !parents.has(name));
    if (empty.length === 0) break;
    for (const { name, parent, key } of empty) {
      if (key === null || parent === null) throw new Error(`${name} still holds candles: it is not dropped`);
      await dropWithRetries(session, name, (client, attempt) =>
        client.query(`${lockBoth(parent, name, attempt)}; drop table ${name}`),
      );
    }
  }
  const dependents = await listDependents(db, LEGACY_ROOT, { tables: [DERIVED_LEGACY], functions: [] });
  if (dependents.length > 0)
    throw new Error(
      `all candles are moved, but ${dependents.map(({ name, on }) => `${name} still read(s) ${on}`).join(", ")}: make them again on the new tables and run this again`,
    );
  await dropWithRetries(session, LEGACY_ROOT, (client) => client.query(FORGET));
  return listKept(db);
}

async function dropWithRetries<T>(
  { db, signal }: Mover,
  name: string,
  work: (client: pg.PoolClient, attempt: number) => Promise<T>,
): Promise<T> {
  const drop = (attempt: number) =>
    withTransaction(db, async (client) => {
      await client.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
      return work(client, attempt);
    });
  return retryBusy(drop, performance.now() + PATIENCE_MS, signal).catch((cause: unknown) => {
    if (!isBusy(cause)) throw cause;
    throw new Error(
      `${name} could not be dropped in ${PATIENCE_MS / 1000} s: other sessions hold it or ${LEGACY_ROOT}`,
      { cause },
    );
  });
}
