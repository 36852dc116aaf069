import type { Span } from "../../candle/span.ts";
import type { ExitCode } from "../../contract/exits.ts";
import type { Interval } from "../../contract/intervals.ts";

/** A leaf after its swap, as the other nouns see it. */
export type SwappedLeaf = {
  readonly name: string;
  readonly parent: string;
  readonly span: Span;
  readonly intervals: readonly Interval[];
};

/** `isOk` null: it could not look now. */
type Look = (
  leaf: SwappedLeaf,
  signal: AbortSignal,
) => Promise<{ readonly isOk: boolean | null; readonly text: string }>;

/** What other nouns do with a leaf after its swap; the command gives these functions, since no noun knows another one. */
export type Wired = {
  /** Asks the exchange for the last candles and for the gaps; TryAgain where it is away. */
  readonly fill: (leaf: SwappedLeaf, signal: AbortSignal) => Promise<ExitCode>;
  readonly verify: Look;
  /** Reads the whole leaf, and writes down what is damaged. */
  readonly scrub: Look;
};
