import type { Written } from "../db/candles.ts";
import type { Database } from "../db/connect.ts";
import { isRefusal } from "../db/fault.ts";
import type { KnownGuards } from "../db/leaf/reopen.ts";
import { ensureLeaf, listLeafNames } from "../db/leaves.ts";
import { type PageWrite, storePages } from "../db/store.ts";
import { TryAgain } from "../errors.ts";
import { listLeavesOf } from "../partition/layout.ts";

/** Takes pages and stores those that are ready together in one transaction; pages of a series in their order. */
export type Writer = (page: PageWrite) => Promise<Written>;

/** Rows of one statement: throughput is flat from here on, and memory is not. */
const MAX_ROWS = 5_000;
/** Connections that write, each series always on the same one: while the server works on one, we encode for the other. */
const LANES = 2;
/** So few series that begin with so few rows share one connection: a second one costs a minute job more than it brings. */
const [FEW_SERIES, FEW_ROWS] = [64, 100];

type Stored = { readonly written: Written } | { readonly error: unknown };

/**
 * `alive` is checked before each transaction and its commit: after the loss of the locks nothing may be written. A refused write
 * fails its own series only, and every later page of it, since a covered span must never run ahead of its candles.
 * After the loss of a connection, or where another session holds a lock, nothing more is written at all: pages that follow
 * would meet the same.
 */
export function createWriter(db: Database, runId: string | null, alive: AbortSignal): Writer {
  const failed = new Map<number, unknown>();
  const away = new AbortController();
  const guards: KnownGuards = new Set();
  // asked for while the first requests are on their way: behind their answers it is 5 ms of a minute job
  const leaves = listLeafNames(db);
  leaves.catch(() => {}); // the first write that awaits it fails with the error

  /** Maintenance makes leaves ahead of time; leaves of the past, and of a month that maintenance missed, are made here. */
  const ensureLeaves = async (pages: readonly PageWrite[]) => {
    const known = await leaves;
    for (const { interval, candles } of pages) {
      const [first, last] = [candles[0], candles.at(-1)];
      if (first === undefined || last === undefined) continue;
      for (const leaf of listLeavesOf(interval, { from: first.openTime, to: last.openTime + 1 })) {
        if (known.has(leaf.name)) continue;
        await ensureLeaf(db, leaf);
        known.add(leaf.name);
      }
    }
  };

  const storeGroup = async (pages: readonly PageWrite[]): Promise<readonly Stored[]> => {
    alive.throwIfAborted();
    away.signal.throwIfAborted();
    try {
      await ensureLeaves(pages);
      return (await storePages(db, pages, { runId, alive, guards })).map((written) => ({ written }));
    } catch (error) {
      if (error instanceof TryAgain && !isRefusal(error)) {
        away.abort(error);
        throw error;
      }
      if (pages.length > 1) return await storeEach(pages);
      const page = pages[0];
      if (page !== undefined) failed.set(page.coinId, error);
      return [{ error }];
    }
  };

  const storeEach = async (pages: readonly PageWrite[]): Promise<readonly Stored[]> => {
    const stored: Stored[] = [];
    for (const page of pages) {
      const error = failed.get(page.coinId);
      stored.push(...(error === undefined ? await storeGroup([page]) : [{ error }]));
    }
    return stored;
  };

  const lanes = Array.from({ length: LANES }, () =>
    createLane((group) =>
      group.some(({ coinId }) => failed.has(coinId)) ? storeEach(group) : storeGroup(group),
    ),
  );
  const laneOf = new Map<number, number>();
  return (page) => {
    const isSmall = page.candles.length <= FEW_ROWS && laneOf.size < FEW_SERIES;
    const index = laneOf.get(page.coinId) ?? (isSmall ? 0 : page.coinId % LANES);
    laneOf.set(page.coinId, index);
    const lane = lanes[index];
    if (lane === undefined) throw new Error(`no lane for coin ${page.coinId}`);
    return lane(page);
  };
}

/** A queue whose pages are stored group by group, each answered as soon as its own group is stored. */
function createLane(store: (group: readonly PageWrite[]) => Promise<readonly Stored[]>): Writer {
  type Waiting = ReturnType<typeof Promise.withResolvers<Written>> & { readonly page: PageWrite };
  const queue: Waiting[] = [];
  let isDraining = false;

  const drain = async () => {
    isDraining = true;
    await Promise.resolve(); // all that submit in this turn of the event loop go with the first group
    while (queue.length > 0) {
      const [group = []] = groupPages(queue.map(({ page }) => page));
      const taken = queue.splice(0, group.length);
      try {
        const stored = await store(group);
        for (const [index, each] of stored.entries()) {
          if ("error" in each) taken[index]?.reject(each.error);
          else taken[index]?.resolve(each.written);
        }
      } catch (error) {
        for (const { reject } of taken) reject(error);
      }
    }
    isDraining = false;
  };

  return (page) => {
    const waiting = { ...Promise.withResolvers<Written>(), page };
    queue.push(waiting);
    if (!isDraining) void drain();
    return waiting.promise;
  };
}

/** Cuts a queue into transactions: one interval, at most MAX_ROWS, a series with rows that may exist only once. */
export function groupPages(pages: readonly PageWrite[]): readonly (readonly PageWrite[])[] {
  const groups: PageWrite[][] = [];
  let rows = 0;
  for (const page of pages) {
    const group = groups.at(-1);
    const mayTouchTwice = group?.some(
      (other) => other.coinId === page.coinId && (other.overlapsStored || page.overlapsStored),
    );
    const fits =
      group !== undefined && group[0]?.interval === page.interval && rows + page.candles.length <= MAX_ROWS;
    if (group !== undefined && fits && mayTouchTwice === false) {
      group.push(page);
      rows += page.candles.length;
    } else {
      groups.push([page]);
      rows = page.candles.length;
    }
  }
  return groups;
}
