import { slotOf, WIDTH_MS } from "../candle/interval.ts";
import { type Span, spanOf } from "../candle/span.ts";
import type { Database } from "../db/connect.ts";
import { adoptLegacy, type Collisions, findCollisions, type LegacyNotes } from "../db/legacy-adopt.ts";
import {
  findExtent,
  findStage,
  LEGACY_ROOT,
  type LegacyLeaf,
  type LegacyStage,
  listTree,
  listViews,
  OLD_ROOT,
  readOldCoins,
} from "../db/legacy-catalog.ts";
import { SettingsFault } from "../errors.ts";
import { type MappedCoin, mapCoins } from "./coin-map.ts";
import { parseLeaves } from "./leaf.ts";

/** What a person says of the old coins: the table with their symbols, null to look for it, and single ones by id. */
export type CoinWish = { readonly table: string | null; readonly named: ReadonlyMap<number, string> };

/** Where old systems of ours have kept the symbols. */
const COIN_TABLES = ["r3a.coin", "r3a.coins"];

export type OldDatabase = {
  readonly stage: LegacyStage;
  /** Newest first. */
  readonly leaves: readonly LegacyLeaf[];
  /** Empty once the old table is renamed: the new schema has them then. */
  readonly coins: readonly MappedCoin[];
  readonly collisions: Collisions;
  readonly views: readonly string[];
};

/** Reads the catalog; every leaf and coin that could only be guessed at is in the one SettingsFault. */
export async function readOldDatabase(db: Database, wish: CoinWish): Promise<OldDatabase> {
  const stage = await findStage(db);
  const nothing = { coins: [], collisions: { renamed: [], dropped: [] } };
  if (stage === "none") return { stage, leaves: [], views: [], ...nothing };
  const root = stage === "old" ? OLD_ROOT : LEGACY_ROOT;
  const { leaves, faults } = parseLeaves(await listTree(db, root));
  const views = await listViews(db, root);
  if (stage === "moving") {
    if (faults.length > 0) throw new SettingsFault(faults);
    return { stage, leaves, views, ...nothing };
  }
  const ids = [...new Set(leaves.map(({ coinId }) => coinId))];
  const mapped = await findSymbols(db, ids, wish);
  const all = [...faults, ...mapped.faults];
  if (all.length > 0) throw new SettingsFault(all);
  return { stage, leaves, views, coins: mapped.coins, collisions: await findCollisions(db) };
}

async function findSymbols(
  db: Database,
  ids: readonly number[],
  { table, named }: CoinWish,
): Promise<ReturnType<typeof mapCoins>> {
  const found = [];
  for (const name of table === null ? COIN_TABLES : [table]) {
    const rows = await readOldCoins(db, name);
    if (rows !== null) found.push({ name, rows });
  }
  if (table !== null && found.length === 0)
    return { coins: [], faults: [`--coin-table ${table} has no columns id (or coin_id) and symbol`] };
  if (found.length > 1)
    return {
      coins: [],
      faults: [`${COIN_TABLES.join(" and ")} both have symbols: say which with --coin-table`],
    };
  return mapCoins(ids, found[0]?.rows ?? [], named);
}

/**
 * Renames the old table and notes its coins and what it holds of each series, from its oldest candle to its newest one
 * that is closed. Until a leaf is moved its time is a gap of the log, so that syncs go on behind the newest candle.
 */
export async function adoptOldDatabase(db: Database, old: OldDatabase, signal: AbortSignal): Promise<void> {
  const bySeries = Map.groupBy(old.leaves, ({ coinId, interval }) => `${coinId} ${interval}`);
  const series: LegacyNotes["series"][number][] = [];
  for (const leaves of bySeries.values()) {
    const [first] = leaves;
    const span = first === undefined ? null : await findHeld(db, leaves, signal);
    if (first !== undefined && span !== null)
      series.push({ coinId: first.coinId, interval: first.interval, span });
  }
  await adoptLegacy(db, { coins: old.coins, series }, old.collisions, signal);
}

/** `leaves` newest first; only the outer ones that hold candles are read. */
async function findHeld(
  db: Database,
  leaves: readonly LegacyLeaf[],
  signal: AbortSignal,
): Promise<Span | null> {
  const findFirst = async (ordered: readonly LegacyLeaf[]) => {
    for (const leaf of ordered) {
      if (leaf.rows === 0) continue;
      signal.throwIfAborted();
      const extent = await findExtent(db, leaf);
      if (extent !== null) return { ...extent, interval: leaf.interval };
    }
    return null;
  };
  const newest = await findFirst(leaves);
  const oldest = await findFirst(leaves.toReversed());
  if (newest === null || oldest === null) return null;
  const { interval } = newest;
  // the old system stored the running candle too
  const to = Math.min(slotOf(interval, newest.to) + WIDTH_MS[interval], slotOf(interval, Date.now()));
  return spanOf(slotOf(interval, oldest.from), to);
}
