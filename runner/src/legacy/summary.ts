import { INTERVALS } from "../contract.ts";
import { renderNumber, renderTable } from "../render.ts";
import { renderDuration } from "../time.ts";
import type { MovedTotal } from "./items.ts";
import type { OldDatabase } from "./prepare.ts";

export type Summary = MovedTotal & {
  readonly leavesLeft: number;
  readonly leavesFailed: number;
  readonly isComplete: boolean;
  /** Renamed tables of the old system that stay. */
  readonly kept: readonly string[];
};

/** What a leaf costs beside its rows: its locks, two commits and its files. */
const LEAF_MS = 15;

/** The plan: leaves, candles and size by interval, how long it takes at this pace, and what is renamed. */
export function renderPlan(
  { stage, leaves, coins, collisions, views }: OldDatabase,
  { rowsPerSecond, asJson }: { readonly rowsPerSecond: number; readonly asJson: boolean },
): string {
  const sum = (of: OldDatabase["leaves"], value: (leaf: OldDatabase["leaves"][number]) => number) =>
    of.reduce((total, leaf) => total + value(leaf), 0);
  const intervals = INTERVALS.flatMap((interval) => {
    const own = leaves.filter((leaf) => leaf.interval === interval);
    if (own.length === 0) return [];
    return [
      {
        interval,
        leaves: own.length,
        rows: sum(own, ({ rows }) => rows),
        bytes: sum(own, ({ bytes }) => bytes),
      },
    ];
  });
  const rows = sum(leaves, (leaf) => leaf.rows);
  const ms = (rows / rowsPerSecond) * 1000 + leaves.length * LEAF_MS;
  const renames = collisions.renamed.map(({ name }) => name);
  if (asJson) {
    const facts = { stage, leaves: leaves.length, rows, bytes: sum(leaves, (leaf) => leaf.bytes) };
    const plan = {
      ...facts,
      minutes: ms / 60_000,
      intervals,
      coins,
      renames,
      drops: collisions.dropped,
      views,
    };
    return `${JSON.stringify(plan)}\n`;
  }
  if (stage === "none") return "there is no old layout in this database\n";
  const lines = [
    renderTable(
      ["interval", "leaves", "candles (estimated)", "GB with indexes"],
      intervals.map((row) => [row.interval, row.leaves, row.rows, (row.bytes / 1e9).toFixed(2)]),
    ),
    `about ${renderDuration(ms)} at ${renderNumber(rowsPerSecond)} candles a second`,
    ...(stage === "old" ? [`r3a.ohlcv_partitioned becomes r3a.ohlcv_legacy`] : []),
    ...renames.map((name) => `${name} gets _legacy behind its name`),
    ...(collisions.dropped.length === 0 ? [] : [`dropped: ${collisions.dropped.join(", ")}`]),
    ...(coins.length === 0
      ? []
      : [`coins keep their ids: ${coins.map(({ id, symbol }) => `${id}=${symbol}`).join(", ")}`]),
    ...(views.length === 0 ? [] : [`must be made anew on the new table before the end: ${views.join(", ")}`]),
  ];
  return `${lines.join("\n")}\n`;
}

/** What was done, for a person or a machine. */
export function renderSummary(summary: Summary, asJson: boolean): string {
  if (asJson) return `${JSON.stringify(summary)}\n`;
  const lines = [
    `${renderNumber(summary.leaves)} leaves moved with ${renderNumber(summary.rows)} candles: ${renderNumber(summary.added)} added, ${renderNumber(summary.same)} were there already`,
    ...(summary.differed + summary.rejected === 0
      ? []
      : [
          `${renderNumber(summary.differed)} that a sync had stored with other values and ${renderNumber(summary.rejected)} that must not be stored are kept in r3a.candle_revision (old_source = 'legacy')`,
        ]),
    summary.isComplete
      ? "nothing of the old layout is left"
      : `${renderNumber(summary.leavesLeft)} leaves are left, ${renderNumber(summary.leavesFailed)} of them failed: run this again`,
    ...(summary.kept.length === 0
      ? []
      : [`kept, drop them when nobody reads them: ${summary.kept.join(", ")}`]),
  ];
  return `${lines.join("\n")}\n`;
}
