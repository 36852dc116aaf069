import { intersect, type Span } from "../candle/span.ts";

/**
 * The parts of `spans` (disjoint, in order) that lie in `whole`. A binary search and then only what is found: a leaf with
 * every second minute missing has 22,000 of them, each to be compared with as many.
 */
export function within(spans: readonly Span[], whole: Span): Span[] {
  const found: Span[] = [];
  for (let index = firstBehind(spans, whole.from); ; index += 1) {
    const span = spans[index];
    if (span === undefined || span.from >= whole.to) return found;
    const part = intersect(span, whole);
    if (part !== null) found.push(part);
  }
}

/** Index of the first span that ends behind `at`. */
function firstBehind(spans: readonly Span[], at: number): number {
  let [low, high] = [0, spans.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((spans[middle]?.to ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}
