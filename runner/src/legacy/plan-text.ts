import { INTERVALS } from "../contract/intervals.ts";
import { DERIVED_LEGACY } from "../db/legacy/dependents.ts";
import { renderNumber, renderTable } from "../render.ts";
import { renderResult, roundEstimate } from "../result.ts";
import { MINUTE_MS, renderDuration } from "../time.ts";
import { type DiskNeed, estimateDisk } from "./disk.ts";
import type { OldDatabase } from "./prepare.ts";

/** The time for a leaf without its rows: locks, two commits and the files. */
const LEAF_MS = 15;

type Leaves = OldDatabase["leaves"];

/** Sums over some leaves. */
type Sizes = { readonly leaves: number; readonly rows: number; readonly bytes: number };
type Figures = Sizes & {
  readonly ms: number;
  readonly disk: DiskNeed;
  readonly intervals: readonly (Sizes & { readonly interval: string })[];
};

/**
 * The plan: leaves, candles and size by interval, how long the move takes at this pace, the space that the move needs,
 * and what becomes of columns, coins, tables and of what others built on the old tables.
 */
export function renderMovePlan(
  old: OldDatabase,
  { rowsPerSecond, asJson }: { readonly rowsPerSecond: number; readonly asJson: boolean },
): string {
  const figures = figuresOf(old.leaves, rowsPerSecond);
  if (asJson) return renderResult("migrate-layout", { dryRun: true, ...recordOf(old, figures) });
  if (old.state === "none") return "there is no old layout in this database\n";
  return `${linesOf(old, figures, rowsPerSecond).join("\n")}\n`;
}

function figuresOf(leaves: Leaves, rowsPerSecond: number): Figures {
  const sizes = sizesOf(leaves);
  return {
    ...sizes,
    ms: (sizes.rows / rowsPerSecond) * 1000 + leaves.length * LEAF_MS,
    disk: estimateDisk(leaves, Date.now()),
    intervals: INTERVALS.flatMap((interval) => {
      const own = leaves.filter((leaf) => leaf.interval === interval);
      return own.length === 0 ? [] : [{ interval, ...sizesOf(own) }];
    }),
  };
}

function sizesOf(leaves: Leaves): Sizes {
  return {
    leaves: leaves.length,
    rows: leaves.reduce((sum, { rows }) => sum + rows, 0),
    bytes: leaves.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

function recordOf(old: OldDatabase, { ms, disk, intervals, ...sizes }: Figures) {
  return {
    stage: old.state,
    ...sizes,
    ...disk,
    minutes: roundEstimate(ms / MINUTE_MS),
    intervals,
    columns: old.columns.carried.map(({ name }) => name),
    dropColumns: old.columns.dropped,
    coins: old.coins.coins,
    coinsLeft: old.coins.left,
    renames: old.collisions.renamed.map(({ name }) => name),
    drops: old.collisions.dropped,
    readers: old.followers.map(({ name, on }) => ({ name, on })),
    grants: old.grants,
    publications: old.publications,
    attached: old.attached,
  };
}

function linesOf(
  { state, columns, coins, collisions, ...others }: OldDatabase,
  { ms, disk, intervals }: Figures,
  rowsPerSecond: number,
): readonly string[] {
  return [
    renderTable(
      ["interval", "leaves", "candles (estimated)", "GB with indexes"],
      intervals.map((row) => [row.interval, row.leaves, row.rows, (row.bytes / 1e9).toFixed(2)]),
    ),
    `about ${renderDuration(ms)} at ${renderNumber(rowsPerSecond)} candles a second`,
    `needs about ${renderBytes(disk.extraBytes)} of free space at its peak (the largest leaf beside its copy) and writes about ${renderBytes(disk.walBytes)} of WAL in all, which an archive or a replica that lags keeps on the disk`,
    `columns: ${columns.carried.map(({ name }) => name).join(", ")}`,
    ...lineOf("columns whose values are dropped (--drop-columns)", columns.dropped),
    ...(state === "old" ? ["r3a.ohlcv_partitioned becomes r3a.ohlcv_legacy and is dropped at the end"] : []),
    ...collisions.renamed.map(
      ({ name, to }) =>
        `${name} becomes ${to} and ${to === DERIVED_LEGACY ? "is dropped at the end" : "stays"}`,
    ),
    ...lineOf("dropped", collisions.dropped),
    ...lineOf(
      "coins keep their ids",
      coins.coins.map(({ id, symbol }) => `${id}=${symbol}`),
    ),
    ...lineOf(
      "old coins that are not taken over, without candles and without a symbol of their own",
      coins.left.map(String),
    ),
    ...linesOfOthers(others),
  ];
}

/** Rights, publications, triggers and policies, and what reads the old tables. */
function linesOfOthers({
  grants,
  publications,
  attached,
  followers,
}: Pick<OldDatabase, "grants" | "publications" | "attached" | "followers">): readonly string[] {
  const rights = Map.groupBy(grants, ({ role }) => role);
  return [
    ...[...rights].map(
      ([role, own]) => `rights of ${role} are taken over: ${own.map(({ on }) => on).join(", ")}`,
    ),
    ...publications.map(
      (name) => `publication ${name} names old tables: add the new tables to it, the move does not`,
    ),
    ...attached.map((name) => `${name} is not taken over: make it again on the new table`),
    ...followers.map(
      ({ name, on, place }) =>
        `${name} goes on reading the old table ${on}: make it again on the new table${place === "root" ? " before the end" : ""}`,
    ),
  ];
}

function lineOf(label: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`${label}: ${names.join(", ")}`];
}

function renderBytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.ceil(bytes / 1e6)} MB`;
}
