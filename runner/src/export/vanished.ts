import { againCommand } from "../again-command.ts";
import { hull, type Span, spanOf } from "../candle/span.ts";
import { WIDTH_MS } from "../contract/intervals.ts";
import { commandLine } from "../program-name.ts";
import { renderNumber } from "../render.ts";
import type { SpanFacts } from "./missing.ts";

/** The slots without a row among the rows of a series, which come in the order of time. */
export type Cuts = {
  /** Takes the open time (ms) of the next row. */
  readonly pass: (at: number) => void;
  /** Takes the end of the rows; where it does not come, nobody read them all, and no slot counts. */
  readonly end: () => void;
  /** How long the cuts are together (ms), and the span from the first to the last one; null before `end`. */
  readonly found: () => { readonly ms: number; readonly span: Span | null } | null;
};

/** Finds cuts in `counted`, whole slots; rows of other slots do not count. Holds no row. */
export function cutsOf({ counted, interval }: Pick<SpanFacts, "counted" | "interval">): Cuts {
  const width = WIDTH_MS[interval];
  const { from, to } = counted ?? { from: 0, to: 0 };
  let [next, ms, isEnded] = [from, 0, false];
  let span: Span | null = null;
  const cut = (until: number) => {
    const found = spanOf(next, until);
    if (found === null) return;
    ms += found.to - found.from;
    span = span === null ? found : hull(span, found);
  };
  return {
    pass(at) {
      // a misaligned candle of 2017 or 2018 belongs to the slot that holds its open time
      const slot = Math.floor(at / width) * width;
      if (slot < next || slot >= to) return;
      cut(slot);
      next = slot + width;
    },
    end() {
      if (!isEnded) cut(to);
      isEnded = true;
    },
    found: () => (isEnded ? { ms, span } : null),
  };
}

/** The candles that are neither stored nor in the gap log, and a span that holds all of them; null where there are none. */
export type Vanished = { readonly candles: number; readonly span: Span };

/**
 * What of the cuts no gap of the log explains. A slot that is both stored and in a gap hides a vanished one from this
 * count; then `isIncomplete` holds by the gap, and `verify` names both.
 */
export function vanishedOf(
  { interval, gaps }: Pick<SpanFacts, "interval" | "gaps">,
  cuts: Cuts,
): Vanished | null {
  const found = cuts.found();
  if (found === null || found.span === null) return null;
  const logged = gaps.reduce((sum, gap) => sum + gap.ms, 0);
  const candles = Math.round((found.ms - logged) / WIDTH_MS[interval]);
  return candles > 0 ? { candles, span: found.span } : null;
}

/** The sentence about vanished candles, with the commands that name and fetch them. */
export function describeVanished(
  { symbol, interval, asked }: Pick<SpanFacts, "symbol" | "interval" | "asked">,
  { candles, span }: Vanished,
): { readonly vanished: number; readonly slots: number; readonly text: string } {
  const slots = asked === null ? 0 : Math.round((asked.to - asked.from) / WIDTH_MS[interval]);
  const [are, them] = candles === 1 ? ["is", "it"] : ["are", "them"];
  const verify = commandLine(`verify --symbols ${symbol} --intervals ${interval}`);
  const fetch = againCommand({ symbol, interval, ...span });
  return {
    ...{ vanished: candles, slots },
    text: `${renderNumber(candles)} of ${renderNumber(slots)} candles of this span ${are} neither stored nor in the gap log: "${verify}" names ${them}; "${fetch}" fetches ${them}`,
  };
}
