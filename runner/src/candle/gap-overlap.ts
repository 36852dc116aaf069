import type { Gap } from "./gap.ts";
import { spanOf } from "./span.ts";

/**
 * The gaps by time, none over another: a later one begins where the earlier ones end, and one that lies in them as a
 * whole is closed. This program writes no gaps that overlap, but a person can: each slot then counted twice, and two
 * rows were cut to the same begin, which the log refuses.
 */
export function separate(gaps: readonly Gap[]): readonly Gap[] {
  let end = Number.NEGATIVE_INFINITY;
  return gaps
    .toSorted((a, b) => a.from - b.from || b.to - a.to)
    .map((gap) => {
      if (gap.from >= end) {
        end = gap.to;
        return gap;
      }
      const rest = spanOf(end, gap.to);
      end = Math.max(end, gap.to);
      return rest === null ? { ...gap, state: "repaired", nextCheckAt: null } : { ...gap, ...rest };
    });
}
