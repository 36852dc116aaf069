import { INTERVALS, type Interval } from "../contract/intervals.ts";
import { type Leaf, leafAt } from "./layout.ts";
import { isSealed } from "./sealed.ts";

/**
 * What maint holds the database against. Which indexes a table must have is decided in one place, the function
 * r3a_util.maint_index_plan, which takes the first two values: psql users see the same plan as the command.
 */
export const DESIRED = {
  /** BRIN on "timestamp": 48 kB beside 81 MB of primary key, and the last two hours of all coins in 85 pages. */
  pagesPerRange: 32,
  /** Of 1m leaves that are not sealed: the current candle is updated in place. All others are packed full. */
  openFillfactor: 90,
  /** The defaults wait for 20 % and 10 % of a month that grows. Sealed leaves keep them, it costs nothing. */
  openStorage: {
    autovacuum_vacuum_insert_scale_factor: "0.02",
    autovacuum_analyze_scale_factor: "0.02",
  },
} as const;

/** Leaves made ahead of the one that the wall clock is in, also when no data comes. */
const AHEAD: Readonly<Record<Interval, number>> = { "1m": 3, "15m": 2, "1h": 1, "4h": 1, "1d": 1 };

/** The leaves that must exist at `now`, soonest first; 4h and 1d share theirs. */
export function listLeavesAhead(now: number): Leaf[] {
  const leaves = new Map<string, Leaf>();
  for (const interval of INTERVALS) {
    for (let ms = now, left = AHEAD[interval]; left >= 0; left -= 1) {
      const leaf = leafAt(interval, ms);
      leaves.set(leaf.name, leaf);
      ms = leaf.span.to;
    }
  }
  return [...leaves.values()].toSorted((a, b) => a.span.from - b.span.from);
}

/** Storage settings that a leaf is created with. */
export function storageOf(leaf: Leaf, now: number): Readonly<Record<string, string>> {
  if (isSealed(leaf.span, now)) return {};
  const isHot = leaf.parent === leafAt("1m", now).parent;
  return { ...(isHot && { fillfactor: String(DESIRED.openFillfactor) }), ...DESIRED.openStorage };
}
