import { slotOf } from "../candle/interval.ts";
import { type Span, spanOf } from "../candle/span.ts";
import { WIDTH_MS } from "../contract/intervals.ts";
import type { Database } from "../db/connect.ts";
import { adoptLegacy, type Collisions, findCollisions, type LegacyNotes } from "../db/legacy/adopt.ts";
import { findExtent, type LegacyLeaf, listTree } from "../db/legacy/catalog.ts";
import { readOldCoins } from "../db/legacy/coins.ts";
import { listCarried, listOldColumns } from "../db/legacy/columns.ts";
import {
  DERIVED_LEGACY,
  type Dependent,
  type Grant,
  listDependents,
  listGrants,
  listPublications,
  listTriggersAndPolicies,
} from "../db/legacy/dependents.ts";
import { findState, LEGACY_ROOT, type LegacyState, OLD_ROOT } from "../db/legacy/state.ts";
import { SettingsFault } from "../errors.ts";
import { type MappedCoins, mapCoins } from "./coin-map.ts";
import { type ColumnPlan, pickColumns, planColumns } from "./columns.ts";
import { parseLeaves } from "./leaf.ts";
import { listFollowers, listObstacles } from "./obstacles.ts";

/**
 * What a person says about the old tables: the table with the coins' symbols (null: look for it), single symbols by id,
 * and the columns of the candles whose values may be dropped.
 */
export type OldRequest = {
  readonly coinTable: string | null;
  readonly named: ReadonlyMap<number, string>;
  readonly dropColumns: ReadonlySet<string>;
};

/** The tables in which old systems kept the symbols. */
const COIN_TABLES = ["r3a.coin", "r3a.coins"];

export type OldDatabase = {
  readonly state: LegacyState;
  /** Newest first. */
  readonly leaves: readonly LegacyLeaf[];
  readonly columns: ColumnPlan;
  /** Objects of other programs that go on reading old tables. */
  readonly followers: readonly Dependent[];
  /** From here on all is empty in the state `moving`: the new schema has it. */
  readonly coins: MappedCoins;
  readonly collisions: Collisions;
  readonly grants: readonly Grant[];
  readonly publications: readonly string[];
  /** Triggers and policies, which the new tables do not get. */
  readonly attached: readonly string[];
};

const NOTHING: OldDatabase = {
  state: "none",
  leaves: [],
  columns: { carried: [], dropped: [] },
  followers: [],
  coins: { coins: [], left: [], lastId: 0 },
  collisions: { renamed: [], dropped: [], occupied: [] },
  grants: [],
  publications: [],
  attached: [],
};

/** Reads the catalog. Throws one SettingsFault with everything that would have to be guessed or would stop the move. */
export async function readOldDatabase(db: Database, request: OldRequest): Promise<OldDatabase> {
  const state = await findState(db);
  if (state === "none") return NOTHING;
  return state === "moving" ? readMoving(db) : readOld(db, request);
}

async function readMoving(db: Database): Promise<OldDatabase> {
  const { leaves, faults } = parseLeaves(await listTree(db, LEGACY_ROOT));
  const dependents = await listDependents(db, LEGACY_ROOT, { tables: [DERIVED_LEGACY], functions: [] });
  expectNoFaults([...faults, ...listObstacles(dependents, [])]);
  const columns = pickColumns(await listOldColumns(db, LEGACY_ROOT), await listCarried(db));
  return { ...NOTHING, state: "moving", leaves, columns, followers: listFollowers(dependents) };
}

async function readOld(db: Database, request: OldRequest): Promise<OldDatabase> {
  const { leaves, faults } = parseLeaves(await listTree(db, OLD_ROOT));
  const columns = planColumns(await listOldColumns(db, OLD_ROOT), request.dropColumns);
  const ids = [...new Set(leaves.map(({ coinId }) => coinId))];
  const coins = await findSymbols(db, ids, request);
  const collisions = await findCollisions(db);
  const tables = collisions.renamed.map(({ name }) => name);
  const dependents = await listDependents(db, OLD_ROOT, { tables, functions: collisions.dropped });
  expectNoFaults([
    ...faults,
    ...columns.faults,
    ...coins.faults,
    ...listObstacles(dependents, collisions.occupied),
  ]);
  return {
    state: "old",
    leaves,
    columns,
    followers: listFollowers(dependents),
    coins,
    collisions,
    grants: await listGrants(db, [OLD_ROOT, ...tables]),
    publications: await listPublications(db, [OLD_ROOT, ...tables]),
    attached: await listTriggersAndPolicies(db, [OLD_ROOT, ...tables]),
  };
}

function expectNoFaults(faults: readonly string[]): void {
  if (faults.length > 0) throw new SettingsFault(faults);
}

async function findSymbols(
  db: Database,
  ids: readonly number[],
  { coinTable: table, named }: OldRequest,
): Promise<ReturnType<typeof mapCoins>> {
  const found = [];
  for (const name of table === null ? COIN_TABLES : [table]) {
    const rows = await readOldCoins(db, name);
    if (rows !== null) found.push({ name, rows });
  }
  if (table !== null && found.length === 0)
    return { ...NOTHING.coins, faults: [`--coin-table ${table} has no columns id (or coin_id) and symbol`] };
  if (found.length > 1)
    return {
      ...NOTHING.coins,
      faults: [`${COIN_TABLES.join(" and ")} both have symbols: say which with --coin-table`],
    };
  return mapCoins(ids, found[0]?.rows ?? [], named);
}

/**
 * Renames the old table, and notes its coins and the span of each series, from the oldest candle to the newest closed one.
 * Until a leaf is moved, its span is a gap in the log, so that a sync goes on behind the newest candle.
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
  const columns = old.columns.carried.map(({ name }) => name);
  const { coins, lastId: lastCoinId } = old.coins;
  await adoptLegacy(db, { coins, lastCoinId, series, columns, collisions: old.collisions }, signal);
}

/** The span of the candles. `leaves`: newest first; only the outermost leaves with candles are read. */
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
