import { againCommand, type SeriesSpan } from "../again-command.ts";
import { FINER } from "../candle/interval.ts";
import { pageMs } from "../candle/page.ts";
import { hull } from "../candle/span.ts";
import type { Disagreement, DisagreementKind } from "./verify.ts";

/** Disagreements that end once the exchange is asked again for their span. */
const ENDED_BY_ASKING: readonly DisagreementKind[] = [
  "vanished",
  "logged but stored",
  "impossible",
  "contradiction",
];
/** Commands that a person runs by hand; who has more faults runs `verify` again after these. */
const MOST_COMMANDS = 50;

/** Collects the commands that end disagreements: neighbours that one request reaches share a command. */
export function collectAgain() {
  const spans: SeriesSpan[] = [];
  const note = (one: SeriesSpan) => {
    const index = spans.findLastIndex((other) => other.symbol === one.symbol && isNear(other, one));
    const near = spans[index];
    if (near !== undefined) spans[index] = { ...near, ...hull(near, one) };
    else if (spans.length < MOST_COMMANDS) spans.push(one);
  };
  return {
    add({ symbol, interval, kind, from, to }: Disagreement) {
      if (!ENDED_BY_ASKING.includes(kind)) return;
      note({ symbol, interval, from, to });
      const finer = FINER[interval];
      if (kind === "contradiction" && finer !== null) note({ symbol, interval: finer.fine, from, to });
    },
    commands: (): readonly string[] => spans.map(againCommand),
  };
}

function isNear(a: SeriesSpan, b: SeriesSpan): boolean {
  if (a.interval !== b.interval) return false;
  const both = hull(a, b);
  return both.to - both.from <= pageMs(a.interval) || (b.from <= a.to && a.from <= b.to);
}
