import type { Span } from "../candle/span.ts";
import { DAY_MS } from "../time.ts";

/** Late candles and repairs still come for this long after a leaf's end; as in r3a_util.candle_table. */
const SEALED_AFTER_MS = 2 * DAY_MS;

/**
 * Whether the rows of a leaf that holds `span` are taken as final at `now` (ms): two days after its end they are not yet. From
 * then on `seal` may make them so (r3a.leaf_state).
 */
export function isSealed(span: Span, now: number): boolean {
  return span.to + SEALED_AFTER_MS < now;
}
