import type { Interval } from "../contract/intervals.ts";
import { type Database, withClient } from "../db/connect.ts";
import type { RunItem } from "../db/runs.ts";
import { scanSeries } from "../db/scan.ts";
import { renderNumber, renderOpenGaps, renderTable, renderUnasked } from "../render.ts";
import { renderDuration } from "../time.ts";

/**
 * What a run did to one interval, and how the series that it worked on are after it; other series do not count. Age in ms
 * by the exchange's clock.
 */
export type SyncSummary = {
  readonly interval: Interval;
  readonly symbols: number;
  readonly added: number;
  readonly repaired: number;
  readonly revised: number;
  /** Stored, asked for again, and in no answer of the exchange any more. */
  readonly kept: number;
  readonly failed: number;
  readonly skipped: number;
  /** The run ended in the middle of these series, and nothing of them failed. */
  readonly stopped: number;
  readonly gapsOpen: number;
  readonly gapsNotRequested: number;
  /** Of these the ones that a restore loads. */
  readonly gapsInBackup: number;
  readonly newestAgeMs: number | null;
};

/** Named symbols that the exchange has no candles of. */
export type MissingSymbols = {
  /** The exchange does not know these. */
  readonly unknown: readonly string[];
  /** No answer came for these, so that nobody knows whether the exchange has them. */
  readonly unanswered: readonly string[];
  /** The exchange does not know these any more; they are stored, and the run's items count them. */
  readonly dropped: readonly string[];
};

export const NONE_MISSING: MissingSymbols = { unknown: [], unanswered: [], dropped: [] };

/** The summary of the run's only interval with the symbols that are missing: each without an item is one more that failed. */
export function countMissing(summary: SyncSummary, { unknown, unanswered }: MissingSymbols): SyncSummary {
  const count = unknown.length + unanswered.length;
  return { ...summary, symbols: summary.symbols + count, failed: summary.failed + count };
}

/** The quick scan that follows each sync, as in `health --quick`, beside what the run's items did. Reads only. */
export async function summarizeSync(
  db: Database,
  intervals: readonly Interval[],
  items: readonly RunItem[],
  now: number,
): Promise<readonly SyncSummary[]> {
  const coinIds = [...new Set(items.map(({ coinId }) => coinId))];
  const scanned = await withClient(db, (client) => scanSeries(client, intervals, coinIds));
  return intervals.map((interval) => {
    const own = items.filter((item) => item.interval === interval);
    const sum = (count: (item: RunItem) => number) => own.reduce((total, item) => total + count(item), 0);
    const ids = new Set(own.map(({ coinId }) => coinId));
    const series = scanned.filter((one) => one.interval === interval && ids.has(one.coinId));
    const newest = Math.max(...series.map(({ newestClose }) => newestClose ?? Number.NEGATIVE_INFINITY));
    return {
      interval,
      symbols: ids.size,
      added: sum(({ added }) => added),
      repaired: sum(({ repaired }) => repaired),
      revised: sum(({ revised }) => revised),
      kept: sum(({ kept = 0 }) => kept),
      failed: sum((item) => (isFailed(item) ? 1 : 0)),
      skipped: sum(({ outcome }) => (outcome === "skipped" ? 1 : 0)),
      stopped: sum(({ isStopped = false }) => (isStopped ? 1 : 0)),
      gapsOpen: series.reduce((total, { gaps }) => total + gaps, 0),
      gapsNotRequested: series.reduce((total, { notRequested }) => total + notRequested, 0),
      gapsInBackup: series.reduce((total, { inBackup }) => total + inBackup, 0),
      newestAgeMs: Number.isFinite(newest) ? Math.max(0, now - newest) : null,
    };
  });
}

function isFailed({ outcome, isStopped = false }: RunItem): boolean {
  return outcome === "failure" || (outcome === "partial" && !isStopped);
}

const COUNTED = ["added", "repaired", "revised", "failed", "skipped", "stopped"] as const;
/** These have a column in every table, the others where they are not 0: all of them need more than 80 letters. */
const ALWAYS: readonly string[] = ["added", "failed"];

/** A table with a row an interval, then sentences: the sum of several intervals, and what a person should know besides. */
export function renderSummary(
  summaries: readonly SyncSummary[],
  { unknown, unanswered, dropped }: MissingSymbols = NONE_MISSING,
): string {
  const sum = (count: (row: SyncSummary) => number) =>
    summaries.reduce((total, row) => total + count(row), 0);
  const columns = COUNTED.filter((name) => ALWAYS.includes(name) || sum((row) => row[name]) > 0);
  const table = renderTable(
    ["interval", "symbols", ...columns, "open gaps", "newest closed"],
    summaries.map((row) => [
      row.interval,
      row.symbols,
      ...columns.map((name) => row[name]),
      row.gapsOpen,
      row.newestAgeMs === null ? "none" : `${renderDuration(row.newestAgeMs)} ago`,
    ]),
  );
  const counts = columns.map((name) => `${renderNumber(sum((row) => row[name]))} ${name}`);
  const open = sum(({ gapsOpen }) => gapsOpen);
  const unasked = renderUnasked({
    notRequested: sum(({ gapsNotRequested }) => gapsNotRequested),
    inBackup: sum(({ gapsInBackup }) => gapsInBackup),
  });
  const kept = sum((row) => row.kept);
  return [
    table,
    ...unknown.map((symbol) => `${symbol}: the exchange does not know it`),
    ...dropped.map((symbol) => `${symbol}: the exchange does not know it any more`),
    ...unanswered.map((symbol) => `${symbol}: the exchange gave no listing of it`),
    ...(summaries.length > 1 ? [`all intervals: ${counts.join(", ")}`] : []),
    ...(unasked.length > 0 ? [renderOpenGaps(open), ...unasked] : []),
    ...(kept > 0
      ? [
          `${kept === 1 ? "1 stored candle is" : `${renderNumber(kept)} stored candles are`} not in the exchange's answers any more; what is stored stays, and the log names it`,
        ]
      : []),
  ].join("\n");
}
