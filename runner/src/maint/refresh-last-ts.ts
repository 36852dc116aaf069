import { isInterval } from "../candle/interval.ts";
import type { Span } from "../candle/span.ts";
import { INTERVALS, WIDTH_MS } from "../contract/intervals.ts";
import type { Database } from "../db/connect.ts";
import { readStateOn } from "../db/legacy/state.ts";
import {
  addRows,
  beginRefresh,
  type ComparedSeries,
  compareSeries,
  deleteRows,
  findInLeaf,
  keepAttached,
  listStoredLeaves,
  listSymbolsOf,
  lockRows,
  type StoredLeaf,
  setRows,
} from "../db/maint/last-ts.ts";
import { countEqual, type OpenLeaf } from "../db/maint/last-ts-look.ts";
import { isLoading } from "../db/schema/restore-gate.ts";
import { type OwnClient, own } from "../db/session.ts";
import { leafAt, listLeavesOf } from "../partition/layout.ts";
import {
  type Change,
  type KnownSeries,
  type LastTs,
  planRefresh,
  type SeriesKey,
  seriesKey,
} from "./refresh-plan.ts";

/** No candle is stored that opens later than this after now. */
const LATEST_MS = WIDTH_MS["1d"];

/** Leaves from the one at `lookbackMs` before `now` (ms) on are read for every series, older ones where those say nothing. */
export type RefreshRequest = {
  readonly now: number;
  readonly lookbackMs: number;
  /** Only say what would change. */
  readonly isPreview: boolean;
};

/** A change with the symbol that a person knows the coin by. */
type NamedChange = Change & { readonly symbol: string };

export type Refreshed = {
  /** Series that were compared. */
  readonly series: number;
  readonly changes: readonly NamedChange[];
  /** Differences that were left to a sync which was at the same row; the next run looks again. */
  readonly busy: number;
  /** Something differs, and candles of the old layout are not moved yet: nothing was lowered or removed. */
  readonly isLegacyThere: boolean;
  /** Something differs, and a restore has not loaded all leaves yet: nothing was lowered or removed. */
  readonly isRestoring: boolean;
};

/**
 * Makes the table of last timestamps equal to the stored candles, in one transaction: raises, lowers, adds and removes
 * rows. Null where something differs and another holder refreshes.
 */
export async function refreshLastTs(
  db: Database,
  request: RefreshRequest,
  signal: AbortSignal,
): Promise<Refreshed | null> {
  return own(db, signal, (client) => refreshOn(client, request));
}

/**
 * The same on a connection that is there, of which it is the only user. Mostly nothing is to be done, which one statement
 * tells by the open leaves alone; that all of them are there is the rule, since maint makes them ahead.
 */
export async function refreshOn(client: OwnClient, request: RefreshRequest): Promise<Refreshed | null> {
  const open = listOpenLeaves({ from: request.now - request.lookbackMs, to: request.now + LATEST_MS });
  const series = await countEqual(client, open);
  if (series !== null) return { series, changes: [], busy: 0, isLegacyThere: false, isRestoring: false };
  if (!(await beginRefresh(client, request.isPreview ? "look" : "refresh"))) return null;
  const refreshed = await refreshDiffering(client, open, request.isPreview);
  await client.query("commit");
  return refreshed;
}

async function refreshDiffering(
  client: OwnClient,
  open: readonly OpenLeaf[],
  isPreview: boolean,
): Promise<Refreshed> {
  const compared = await compareSeries(client, await keepAttached(client, open));
  const { known, stored } = await findDiffering(client, compared);
  const all = planRefresh(known, stored, true);
  const isMoving = all.length > 0 && (await readStateOn(client)) === "moving";
  const isRestoring = all.length > 0 && (await isLoading(client));
  const mayLower = !isMoving && !isRestoring;
  const changes = mayLower ? all : planRefresh(known, stored, false);
  const { written, busy } =
    isPreview || changes.length === 0
      ? { written: changes, busy: 0 }
      : await applyChanges(client, changes, mayLower);
  const coinIds = written.map(({ coinId }) => coinId);
  const symbols = coinIds.length === 0 ? new Map<number, string>() : await listSymbolsOf(client, coinIds);
  return {
    series: compared.length,
    changes: written.map((change) => ({
      ...change,
      symbol: symbols.get(change.coinId) ?? `coin ${change.coinId}`,
    })),
    busy,
    isLegacyThere: isMoving,
    isRestoring,
  };
}

/**
 * The series that may differ, with the newest candle of each. Most series have it in the open leaves, at or after what
 * the table says; only the rest is searched, leaf by leaf.
 */
async function findDiffering(
  client: OwnClient,
  compared: readonly ComparedSeries[],
): Promise<{ known: readonly KnownSeries[]; stored: readonly LastTs[] }> {
  const known = compared.filter(({ lastTs, newest }) => newest === null || newest !== lastTs);
  const found = known.flatMap(({ newest, ...each }) =>
    newest === null ? [] : [{ ...each, lastTs: newest }],
  );
  const rest = known.filter(({ newest }) => newest === null);
  const searched = rest.length === 0 ? [] : await searchLeaves(client, await listStoredLeaves(client), rest);
  return { known, stored: [...found, ...searched] };
}

function listOpenLeaves(span: Span): readonly OpenLeaf[] {
  const leaves = INTERVALS.flatMap((interval) =>
    listLeavesOf(interval, span).map(({ name }) => ({ name, interval })),
  );
  return [...Map.groupBy(leaves, ({ name }) => name)].map(([name, of]) => ({
    name,
    intervals: of.map(({ interval }) => interval),
  }));
}

/** Goes through `leaves`, newest first, until each of the series is found. */
async function searchLeaves(
  client: OwnClient,
  leaves: readonly StoredLeaf[],
  series: readonly SeriesKey[],
): Promise<readonly LastTs[]> {
  const found: LastTs[] = [];
  let rest = series.map((each) => ({ ...each, parent: parentOf(each.interval) }));
  for (const leaf of leaves) {
    const here = rest.filter(({ parent }) => parent === leaf.parent);
    if (here.length === 0) continue;
    const newest = await findInLeaf(client, leaf, here);
    const keys = new Set(newest.map(seriesKey));
    rest = rest.filter((each) => !keys.has(seriesKey(each)));
    found.push(...newest);
  }
  return found;
}

function parentOf(interval: string): string | null {
  return isInterval(interval) ? leafAt(interval, 0).parent : null;
}

/**
 * Writes the changes, each by what row and candles say once this session holds the row. A comparison with the value that
 * was read before is not enough: if that value is too high, a sync stores a candle below it and leaves the value as it is,
 * and this run would lower the value past that candle. Also a leaf may have come since.
 */
async function applyChanges(
  client: OwnClient,
  changes: readonly Change[],
  mayLower: boolean,
): Promise<{ readonly written: readonly Change[]; readonly busy: number }> {
  const locked = await lockRows(
    client,
    changes.filter(({ from }) => from !== null),
  );
  const again = await searchLeaves(client, await listStoredLeaves(client), locked);
  const certain = planRefresh(locked, again, mayLower);
  const set = withLastTs(certain);
  if (set.length > 0) await setRows(client, set);
  const removed = certain.filter(({ to }) => to === null);
  if (removed.length > 0) await deleteRows(client, removed);
  const missing = changes.filter(({ from }) => from === null);
  const added = new Set(
    missing.length === 0 ? [] : (await addRows(client, withLastTs(missing))).map(seriesKey),
  );
  return {
    written: [...certain, ...missing.filter((change) => added.has(seriesKey(change)))],
    busy: changes.length - locked.length - added.size,
  };
}

function withLastTs(changes: readonly Change[]): readonly LastTs[] {
  return changes.flatMap(({ coinId, interval, to }) =>
    to === null ? [] : [{ coinId, interval, lastTs: to }],
  );
}
