import type { LegacyLeaf } from "../db/legacy/catalog.ts";
import type { LeafTally } from "../db/legacy/move.ts";
import type { RunItem } from "../db/runs.ts";

/** Sums over the leaves that were moved. */
export type MovedTotal = LeafTally & { readonly leaves: number };

const NOTHING: MovedTotal = { leaves: 0, rows: 0, added: 0, same: 0, differed: 0, repeated: 0, rejected: 0 };

/** Adds up what each leaf brought: one run item for each series. */
export function createItems() {
  const items = new Map<string, RunItem>();
  const changed = new Set<string>();
  let total = NOTHING;
  return {
    add({ coinId, interval }: LegacyLeaf, tally: LeafTally, ms: number): void {
      const key = `${coinId} ${interval}`;
      const before = items.get(key);
      changed.add(key);
      items.set(key, {
        coinId,
        interval,
        outcome: "success",
        pages: (before?.pages ?? 0) + 1,
        added: (before?.added ?? 0) + tally.added,
        repaired: 0,
        revised: (before?.revised ?? 0) + tally.differed,
        gaps: 0,
        lastClose: null,
        ms: (before?.ms ?? 0) + Math.round(ms),
        error: null,
      });
      total = { ...addTallies(total, tally), leaves: total.leaves + 1 };
    },
    list: (): readonly RunItem[] => [...items.values()],
    /** The items that grew since the last call. */
    takeChanged(): readonly RunItem[] {
      const taken = [...changed].flatMap((key) => items.get(key) ?? []);
      changed.clear();
      return taken;
    },
    total: (): MovedTotal => total,
  };
}

function addTallies(a: LeafTally, b: LeafTally): LeafTally {
  return {
    rows: a.rows + b.rows,
    added: a.added + b.added,
    same: a.same + b.same,
    differed: a.differed + b.differed,
    repeated: a.repeated + b.repeated,
    rejected: a.rejected + b.rejected,
  };
}
