/** Half-open stretch of time `[from, to)`, both epoch milliseconds. `from < to` in every span that leaves this file. */
export type Span = { readonly from: number; readonly to: number };

/** A span, or null where nothing is left. */
export function spanOf(from: number, to: number): Span | null {
  return from < to ? { from, to } : null;
}

export function intersect(a: Span, b: Span): Span | null {
  return spanOf(Math.max(a.from, b.from), Math.min(a.to, b.to));
}

export function overlaps(a: Span, b: Span): boolean {
  return a.from < b.to && b.from < a.to;
}

/** The smallest span that holds both. */
export function hull(a: Span, b: Span): Span {
  return { from: Math.min(a.from, b.from), to: Math.max(a.to, b.to) };
}

/** The stretch between two spans that neither holds; null where they touch or overlap. */
export function between(a: Span, b: Span): Span | null {
  return spanOf(Math.min(a.to, b.to), Math.max(a.from, b.from));
}

/** Sorted, disjoint, non-touching spans that cover the same time. */
export function union(spans: readonly Span[]): Span[] {
  const merged: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last !== undefined && span.from <= last.to) merged[merged.length - 1] = hull(last, span);
    else merged.push(span);
  }
  return merged;
}

/** What of `whole` lies in none of `cuts`, in order. */
export function subtract(whole: Span, cuts: readonly Span[]): Span[] {
  const rest: Span[] = [];
  let from = whole.from;
  for (const cut of union(cuts)) {
    if (cut.to <= from || cut.from >= whole.to) continue;
    const piece = spanOf(from, cut.from);
    if (piece !== null) rest.push(piece);
    from = cut.to;
  }
  const tail = spanOf(from, whole.to);
  if (tail !== null) rest.push(tail);
  return rest;
}

/** `whole` cut into pieces of at most `lengthMs`, in order, the last one shorter. */
export function split(whole: Span, lengthMs: number): Span[] {
  const pieces: Span[] = [];
  for (let from = whole.from; from < whole.to; from += lengthMs) {
    pieces.push({ from, to: Math.min(from + lengthMs, whole.to) });
  }
  return pieces;
}
