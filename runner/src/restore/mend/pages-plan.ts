import { intersect, type Span, split, subtract } from "../../candle/span.ts";

/** Pages of a table: from one number to another, which is not included. */
export type Pages = Span;

/** Where reading ended the server, the rest is read in such pieces. */
const PIECE = 256;

/**
 * What is known of the pages whose reading ended the server. `bad`: single pages; `fine`: pieces that hold such a page;
 * `isCautious`: reading all at once ended it.
 */
export type Crashes = {
  readonly bad: readonly number[];
  readonly fine: readonly Pages[];
  readonly isCautious: boolean;
};

export const NO_CRASH: Crashes = { bad: [], fine: [], isCautious: false };

export const pageOf = (page: number): Pages => ({ from: page, to: page + 1 });

/** The ranges of a table of `count` pages to read, in order, without the pages that end the server. */
export function planPages(count: number, { bad, fine, isCautious }: Crashes): readonly Pages[] {
  const ranges = count === 0 ? [] : subtract({ from: 0, to: count }, bad.map(pageOf));
  if (!isCautious) return ranges;
  return ranges.flatMap((range) =>
    split(range, PIECE).flatMap((piece) =>
      fine.some((each) => intersect(each, piece) !== null) ? split(piece, 1) : [piece],
    ),
  );
}

/** What is known after the server ended while `range` was read. */
export function afterCrash(crashes: Crashes, range: Pages): Crashes {
  const size = range.to - range.from;
  if (size === 1) return { ...crashes, bad: [...crashes.bad, range.from] };
  if (size > PIECE) return { ...crashes, isCautious: true };
  return { ...crashes, isCautious: true, fine: [...crashes.fine, range] };
}

/** Both halves of a range that cannot be read as a whole; none of a single page. */
export function halve({ from, to }: Pages): readonly Pages[] {
  const middle = Math.floor((from + to) / 2);
  return middle === from
    ? []
    : [
        { from, to: middle },
        { from: middle, to },
      ];
}
