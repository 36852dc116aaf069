import { type Database, withClient, withTransaction } from "./connect.ts";
import { LEGACY_ROOT, type LegacyLeaf, listTree, listViews } from "./legacy-catalog.ts";
import { isBusy, LOCK_TIMEOUT_MS, retryBusy } from "./lock-retry.ts";

/** A leaf that a reader holds for longer is left to the next run; the others wait for it meanwhile. */
const PATIENCE_MS = 8_000;

/** Gaps that no leaf filled are asked for from now on, and the notes and derived tables of the old system go. */
const FORGET = `
  update r3a.ohlcv_gap_log set evidence = '{}', next_check_at = now(), updated_at = now()
  where state <> 'repaired' and reason = 'not_requested' and evidence ->> 'error' = 'in the old layout';
  drop table if exists ${LEGACY_ROOT}, r3a.legacy_series, r3a.legacy_coin, r3a.ohlcv_gap_log_legacy,
    r3a_util.last_ts_by_coin_interval_legacy`;

const LIST_KEPT = `
  select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('r3a', 'r3a_util') and c.relname ~ '_legacy$' and c.relkind in ('r', 'p', 'v', 'm', 'f') order by 1`;

/**
 * Deletes the leaf in a transaction of its own. A leaf that has other than `rows` rows meanwhile stays, and is an
 * error. Parent before leaf, as readers lock them. Without a DETACH before it, which took 23 ms of 30 where the parent
 * had 72 leaves.
 */
export async function dropLeaf(
  db: Database,
  { name, parent }: LegacyLeaf,
  rows: number,
  signal: AbortSignal,
): Promise<void> {
  await dropWithRetries(db, name, signal, async (query) => {
    await query(`lock table only ${parent}, only ${name} in access exclusive mode`);
    const [found] = await query(`select count(*)::int as rows from ${name}`);
    if (found?.rows !== rows)
      throw new Error(`${name} got other rows while it was moved: who still writes to the old table?`);
    await query(`drop table ${name}`);
  });
}

/**
 * Deletes the old table's empty branches, one transaction each, then the table itself with the notes. Returns the old
 * tables that were renamed and that nobody but the team can judge.
 */
export async function dropLegacy(db: Database, signal: AbortSignal): Promise<readonly string[]> {
  for (;;) {
    const tree = await listTree(db, LEGACY_ROOT);
    const parents = new Set(tree.map(({ parent }) => parent));
    const empty = tree.filter(({ name, parent }) => parent !== null && !parents.has(name));
    if (empty.length === 0) break;
    for (const { name, key } of empty) {
      if (key === null) throw new Error(`${name} still holds candles: it is not dropped`);
      await dropWithRetries(db, name, signal, (query) => query(`drop table ${name}`));
    }
  }
  const views = await listViews(db, LEGACY_ROOT);
  if (views.length > 0)
    throw new Error(
      `all candles are moved, but ${views.join(", ")} still read(s) ${LEGACY_ROOT}: make them anew on r3a.ohlcv_partitioned and run this again`,
    );
  await dropWithRetries(db, LEGACY_ROOT, signal, (query) => query(FORGET));
  const kept = await withClient(db, (client) => client.query<{ name: string }>(LIST_KEPT));
  return kept.rows.map(({ name }) => name);
}

type Query = (text: string) => Promise<readonly { readonly rows?: number }[]>;

async function dropWithRetries(
  db: Database,
  name: string,
  signal: AbortSignal,
  work: (query: Query) => Promise<unknown>,
): Promise<void> {
  const drop = () =>
    withTransaction(db, async (client) => {
      await client.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
      await work(async (text) => (await client.query<{ rows: number }>(text)).rows);
    });
  await retryBusy(drop, performance.now() + PATIENCE_MS, signal).catch((cause: unknown) => {
    if (!isBusy(cause)) throw cause;
    throw new Error(`${name} could not be dropped: a reader of ${LEGACY_ROOT} holds it`, { cause });
  });
}
