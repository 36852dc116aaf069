import { INTERVALS } from "../contract/intervals.ts";
import { DERIVED_LEGACY } from "../db/legacy/dependents.ts";
import { renderNumber, renderTable } from "../render.ts";
import { MINUTE_MS, renderDuration } from "../time.ts";
import { estimateDisk } from "./disk.ts";
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

/**
 * The plan: leaves, candles and size by interval, how long it takes at this pace, the space that it needs, and what
 * becomes of columns, coins, tables and of what others built on them.
 */
export function renderPlan(
  old: OldDatabase,
  { rowsPerSecond, asJson }: { readonly rowsPerSecond: number; readonly asJson: boolean },
): string {
  const { state, leaves, columns, coins, collisions, followers, grants, publications, attached } = old;
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
  const disk = estimateDisk(leaves, Date.now());
  if (asJson) {
    const plan = {
      stage: state,
      leaves: leaves.length,
      rows,
      bytes: sum(leaves, (leaf) => leaf.bytes),
      ...disk,
      minutes: ms / MINUTE_MS,
      intervals,
      columns: columns.carried.map(({ name }) => name),
      dropColumns: columns.dropped,
      coins: coins.coins,
      coinsLeft: coins.left,
      renames: collisions.renamed.map(({ name }) => name),
      drops: collisions.dropped,
      readers: followers.map(({ name, on }) => ({ name, on })),
      grants,
      publications,
      attached,
    };
    return `${JSON.stringify(plan)}\n`;
  }
  if (state === "none") return "there is no old layout in this database\n";
  const rights = Map.groupBy(grants, ({ role }) => role);
  const lines = [
    renderTable(
      ["interval", "leaves", "candles (estimated)", "GB with indexes"],
      intervals.map((row) => [row.interval, row.leaves, row.rows, (row.bytes / 1e9).toFixed(2)]),
    ),
    `about ${renderDuration(ms)} at ${renderNumber(rowsPerSecond)} candles a second`,
    `needs about ${renderBytes(disk.extraBytes)} of free space at its peak (the largest leaf beside its copy) and writes about ${renderBytes(disk.walBytes)} of WAL in all, which an archive or a replica that lags keeps on the disk`,
    `columns: ${columns.carried.map(({ name }) => name).join(", ")}`,
    ...lineOf("columns whose values go (--drop-columns)", columns.dropped),
    ...(state === "old" ? [`r3a.ohlcv_partitioned becomes r3a.ohlcv_legacy and goes at the end`] : []),
    ...collisions.renamed.map(
      ({ name, to }) => `${name} becomes ${to} and ${to === DERIVED_LEGACY ? "goes at the end" : "stays"}`,
    ),
    ...lineOf("dropped", collisions.dropped),
    ...lineOf(
      "coins keep their ids",
      coins.coins.map(({ id, symbol }) => `${id}=${symbol}`),
    ),
    ...lineOf(
      "old coins without candles and without a symbol of their own, not taken over",
      coins.left.map(String),
    ),
    ...[...rights].map(
      ([role, own]) => `rights of ${role} are taken over: ${own.map(({ on }) => on).join(", ")}`,
    ),
    ...publications.map(
      (name) => `publication ${name} names old tables: add the new ones to it, nobody else will`,
    ),
    ...attached.map((name) => `${name} is not taken over: make it anew on the new table`),
    ...followers.map(
      ({ name, on, place }) =>
        `${name} goes on reading the old table ${on}: make it anew on the new one${place === "root" ? " before the end" : ""}`,
    ),
  ];
  return `${lines.join("\n")}\n`;
}

function lineOf(label: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`${label}: ${names.join(", ")}`];
}

function renderBytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.ceil(bytes / 1e6)} MB`;
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
    ...(summary.repeated === 0
      ? []
      : [
          `${renderNumber(summary.repeated)} had the timestamp of another row of their leaf: of equal rows one is stored, of others the one with the largest volume, and the rest is kept in r3a.candle_revision`,
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
