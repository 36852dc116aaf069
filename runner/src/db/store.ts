import type pg from "pg";
import type { Candle } from "../candle/candle.ts";
import type { Gap } from "../candle/gap.ts";
import type { Span } from "../candle/span.ts";
import { type Interval, WIDTH_MS } from "../contract/intervals.ts";
import { insertCandles, upsertCandles, type Written } from "./candles.ts";
import type { Database } from "./connect.ts";
import type { CandleBatch } from "./copy-lines.ts";
import { codeOf } from "./fault.ts";
import { type SeriesGap, upsertGaps } from "./gaps.ts";
import { type CandleWrite, type KnownGuards, reopenLeaves, throughGuards } from "./leaf/reopen.ts";
import { type SeriesUpdate, updateSeries } from "./series.ts";
import { withTransaction } from "./session.ts";
import { UNIQUE_VIOLATION } from "./sqlstate.ts";

/**
 * Everything that one page changes: its candles, the new state of its series, and rows of the gap log. One transaction
 * holds all of it.
 */
export type PageWrite = {
  readonly coinId: number;
  readonly interval: Interval;
  readonly candles: readonly Candle[];
  /** Some of the rows may be stored already. */
  readonly overlapsStored: boolean;
  readonly covered: Span;
  readonly lastTs: number | null;
  readonly gaps: readonly Gap[];
};

/**
 * Stores pages of one interval in one transaction, the pages of a series in the given order. A series with rows that
 * may exist must occur only once (one statement must not touch a row twice). The results are in the order of `pages`;
 * the counts of a series stand at its first page. Once `alive` is aborted, rejects instead of a commit: a busy disk may
 * hold a transaction for longer than a lost session keeps its locks. `guards`: the sealed leaves that the run has met so
 * far; they are reopened for the candles of these pages.
 */
export async function storePages(
  db: Database,
  pages: readonly PageWrite[],
  {
    runId,
    alive,
    guards = new Set(),
  }: { readonly runId: string | null; readonly alive?: AbortSignal; readonly guards?: KnownGuards },
): Promise<readonly Written[]> {
  const interval = pages[0]?.interval;
  if (interval === undefined) return [];
  const store = async (client: pg.PoolClient): Promise<readonly Written[]> => {
    await reopenLeaves(client, guards, pages.flatMap(writesOf));
    const [seen, fresh] = [
      pages.filter((page) => page.overlapsStored),
      pages.filter((page) => !page.overlapsStored),
    ];
    const counts = new Map<number, Written>();
    const add = (written: ReadonlyMap<number, Written>) => {
      for (const [coinId, { added, revised }] of written) {
        const before = counts.get(coinId) ?? { added: 0, revised: 0 };
        counts.set(coinId, { added: before.added + added, revised: before.revised + revised });
      }
    };
    add(await upsertCandles(client, interval, { batches: seen, runId }));
    add(await insertFresh(fresh));
    await updateSeries(client, lastOfEachSeries(pages));
    await upsertGaps(client, pages.flatMap(gapsOf), runId);
    alive?.throwIfAborted();
    return pages.map(({ coinId }) => {
      const written = counts.get(coinId) ?? { added: 0, revised: 0 };
      counts.delete(coinId);
      return written;
    });

    /**
     * Rows outside the covered span should be new. Where one row exists (an orphan), the rows are compared with the
     * stored ones instead.
     */
    async function insertFresh(batches: readonly CandleBatch[]): Promise<Map<number, Written>> {
      if (interval === undefined || batches.length === 0) return new Map();
      await client.query("savepoint fresh");
      try {
        return await insertCandles(client, interval, batches);
      } catch (error) {
        if (codeOf(error) !== UNIQUE_VIOLATION) throw error;
      }
      await client.query("rollback to savepoint fresh");
      for (const batch of batches) add(await upsertCandles(client, interval, { batches: [batch], runId }));
      return new Map();
    }
  };
  return throughGuards(db, guards, () => withTransaction(db, store));
}

/** The candles of a page are in the order of their open times. */
function writesOf({ coinId, interval, candles }: PageWrite): readonly CandleWrite[] {
  const [first, last] = [candles[0], candles.at(-1)];
  if (first === undefined || last === undefined) return [];
  return [{ coinId, interval, span: { from: first.openTime, to: last.openTime + WIDTH_MS[interval] } }];
}

/**
 * The order of writing, in which a row is moved away before another row takes its begin: closed gaps first, then from
 * the latest to the earliest.
 */
function gapsOf({ coinId, interval, gaps }: PageWrite): readonly SeriesGap[] {
  const isOpen = (gap: Gap) => Number(gap.state !== "repaired");
  return gaps
    .map((gap) => ({ ...gap, coinId, interval }))
    .toSorted((a, b) => isOpen(a) - isOpen(b) || b.from - a.from);
}

function lastOfEachSeries(pages: readonly PageWrite[]): readonly SeriesUpdate[] {
  const last = new Map<number, SeriesUpdate>();
  for (const page of pages) {
    const lastTs = Math.max(
      page.lastTs ?? Number.NEGATIVE_INFINITY,
      last.get(page.coinId)?.lastTs ?? Number.NEGATIVE_INFINITY,
    );
    last.set(page.coinId, { ...page, lastTs: Number.isFinite(lastTs) ? lastTs : null });
  }
  return [...last.values()];
}
