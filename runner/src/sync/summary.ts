import type { Interval } from "../contract/intervals.ts";
import { type Database, withClient } from "../db/connect.ts";
import type { RunItem } from "../db/runs.ts";
import { scanSeries } from "../db/scan.ts";
import { renderNumber, renderTable } from "../render.ts";
import { renderDuration } from "../time.ts";

/**
 * What a run did to one interval, and what the database holds of it after the run, of other symbols too. Ages in ms by the
 * exchange's clock.
 */
export type SyncSummary = {
  readonly interval: Interval;
  /** Symbols that the run worked on. */
  readonly symbols: number;
  readonly added: number;
  readonly repaired: number;
  readonly revised: number;
  /** Stored, asked for again, and in no answer of the exchange any more. */
  readonly kept: number;
  readonly failed: number;
  readonly skipped: number;
  readonly symbolsStored: number;
  /** Of all stored symbols, as the newest candle. */
  readonly gapsOpen: number;
  readonly newestAgeMs: number | null;
};

/** The quick scan that follows each sync, as in `health --quick`, beside what the run's items did. Reads only. */
export async function summarizeSync(
  db: Database,
  intervals: readonly Interval[],
  items: readonly RunItem[],
  now: number,
): Promise<readonly SyncSummary[]> {
  const scanned = await withClient(db, (client) => scanSeries(client, intervals));
  return intervals.map((interval) => {
    const own = items.filter((item) => item.interval === interval);
    const sum = (count: (item: RunItem) => number) => own.reduce((total, item) => total + count(item), 0);
    const series = scanned.filter((one) => one.interval === interval);
    const newest = Math.max(...series.map(({ newestClose }) => newestClose ?? Number.NEGATIVE_INFINITY));
    return {
      interval,
      symbols: new Set(own.map(({ coinId }) => coinId)).size,
      added: sum(({ added }) => added),
      repaired: sum(({ repaired }) => repaired),
      revised: sum(({ revised }) => revised),
      kept: sum(({ kept = 0 }) => kept),
      failed: sum(({ outcome }) => (outcome === "failure" || outcome === "partial" ? 1 : 0)),
      skipped: sum(({ outcome }) => (outcome === "skipped" ? 1 : 0)),
      symbolsStored: series.length,
      gapsOpen: series.reduce((total, { gaps }) => total + gaps, 0),
      newestAgeMs: Number.isFinite(newest) ? Math.max(0, now - newest) : null,
    };
  });
}

export function renderSummary(summaries: readonly SyncSummary[]): string {
  const kept = summaries.reduce((total, row) => total + row.kept, 0);
  const table = renderTable(
    [
      "interval",
      "symbols",
      "added",
      "repaired",
      "revised",
      "failed",
      "skipped",
      "symbols stored",
      "gaps open",
      "newest closed",
    ],
    summaries.map((row) => [
      row.interval,
      row.symbols,
      row.added,
      row.repaired,
      row.revised,
      row.failed,
      row.skipped,
      row.symbolsStored,
      row.gapsOpen,
      row.newestAgeMs === null ? "none" : `${renderDuration(row.newestAgeMs)} ago`,
    ]),
  );
  return kept === 0
    ? table
    : `${table}\n${renderNumber(kept)} stored candles are not in the exchange's answers any more; they stay, and the log names them`;
}
