import type { Span } from "../candle/span.ts";
import type { Interval } from "../contract/intervals.ts";
import { leafAt } from "./layout.ts";

/** A leaf with its bytes on the disk, indexes included; `parent` is the name of its list partition. */
export type SizedLeaf = { readonly parent: string; readonly span: Span; readonly bytes: number };

/** What is stored of a series: `stored` from its first candle to the end of its last one, null where there is none. */
export type StoredSeries = {
  readonly interval: Interval;
  readonly stored: Span | null;
  readonly candles: number;
};

/**
 * The bytes of each series, in the order of `series`: an estimate. Each leaf is shared out among its series by their
 * candles, and the candles of a series count as spread evenly over its span. What no series has a part of is left out.
 */
export function estimateBytes(
  series: readonly StoredSeries[],
  leaves: readonly SizedLeaf[],
): readonly number[] {
  const bytes = series.map(() => 0);
  const byParent = Map.groupBy(series.keys(), (index) => parentOf(series[index]));
  for (const leaf of leaves) {
    const shares = (byParent.get(leaf.parent) ?? []).map((index) => ({
      index,
      candles: candlesIn(series[index], leaf.span),
    }));
    const all = shares.reduce((sum, { candles }) => sum + candles, 0);
    if (all === 0) continue;
    for (const { index, candles } of shares)
      bytes[index] = (bytes[index] ?? 0) + (leaf.bytes * candles) / all;
  }
  return bytes.map(Math.round);
}

function parentOf(series: StoredSeries | undefined): string {
  return series === undefined ? "" : leafAt(series.interval, 0).parent;
}

function candlesIn(series: StoredSeries | undefined, span: Span): number {
  if (series?.stored == null) return 0;
  const { from, to } = series.stored;
  const overlap = Math.min(to, span.to) - Math.max(from, span.from);
  return overlap <= 0 ? 0 : (series.candles * overlap) / (to - from);
}
