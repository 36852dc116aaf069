import type { Interval } from "../contract.ts";
import type { Database } from "../db/connect.ts";
import type { RunItem } from "../db/runs.ts";
import { summarize } from "../db/series.ts";
import { renderTable } from "../render.ts";
import { renderDuration } from "../time.ts";

/** What one interval holds after a run, and what the run did to it. Ages in ms by the exchange's clock. */
export type SyncSummary = {
  readonly interval: Interval;
  readonly symbols: number;
  readonly added: number;
  readonly repaired: number;
  readonly revised: number;
  readonly failed: number;
  readonly skipped: number;
  readonly gapsOpen: number;
  readonly newestAgeMs: number | null;
};

/** The quick scan that follows each sync: state of the intervals beside what the run's items did. Reads only. */
export async function summarizeSync(
  db: Database,
  intervals: readonly Interval[],
  items: readonly RunItem[],
  now: number,
): Promise<readonly SyncSummary[]> {
  const stored = new Map((await summarize(db, intervals)).map((summary) => [summary.interval, summary]));
  return intervals.map((interval) => {
    const own = items.filter((item) => item.interval === interval);
    const sum = (count: (item: RunItem) => number) => own.reduce((total, item) => total + count(item), 0);
    const state = stored.get(interval);
    return {
      interval,
      symbols: state?.symbols ?? 0,
      added: sum(({ added }) => added),
      repaired: sum(({ repaired }) => repaired),
      revised: sum(({ revised }) => revised),
      failed: sum(({ outcome }) => (outcome === "failure" || outcome === "partial" ? 1 : 0)),
      skipped: sum(({ outcome }) => (outcome === "skipped" ? 1 : 0)),
      gapsOpen: state?.gaps ?? 0,
      newestAgeMs: state?.newestClose == null ? null : Math.max(0, now - state.newestClose),
    };
  });
}

export function renderSummary(summaries: readonly SyncSummary[]): string {
  return renderTable(
    [
      "interval",
      "symbols",
      "added",
      "repaired",
      "revised",
      "failed",
      "skipped",
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
      row.gapsOpen,
      row.newestAgeMs === null ? "none" : `${renderDuration(row.newestAgeMs)} ago`,
    ]),
  );
}
