import type { LegacyLeaf } from "../db/legacy-catalog.ts";
import type { LeafTally } from "../db/legacy-move.ts";
import type { RunItem } from "../db/runs.ts";

/** Sums of the leaves that were moved. */
export type MovedTotal = LeafTally & { readonly leaves: number };

const NOTHING: MovedTotal = { leaves: 0, rows: 0, added: 0, same: 0, differed: 0, rejected: 0 };

/** Counts what leaves brought, as one item of the run per series. */
export function createItems() {
  const items = new Map<string, RunItem>();
  let total = NOTHING;
  return {
    add({ coinId, interval }: LegacyLeaf, tally: LeafTally, ms: number): void {
      const key = `${coinId} ${interval}`;
      const before = items.get(key);
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
      total = {
        leaves: total.leaves + 1,
        rows: total.rows + tally.rows,
        added: total.added + tally.added,
        same: total.same + tally.same,
        differed: total.differed + tally.differed,
        rejected: total.rejected + tally.rejected,
      };
    },
    list: (): readonly RunItem[] => [...items.values()],
    total: (): MovedTotal => total,
  };
}
