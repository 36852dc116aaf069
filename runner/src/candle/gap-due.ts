import { HOUR_MS } from "../time.ts";
import type { Gap } from "./gap.ts";
import { type Span, spanOf } from "./span.ts";

/** A gap waits until its next request is due. The repair job runs twice an hour, so it has missed this gap four times. */
export const GAP_OVERDUE_MS = 2 * HOUR_MS;

/**
 * Gaps that a person or a job should look at again now; not those that no run asked for. Of the time before the listing,
 * which can be thousands of pages of nothing, only the first candle is asked for.
 */
export function isDue({ state, nextCheckAt }: Gap, now: number): boolean {
  return state !== "repaired" && nextCheckAt !== null && nextCheckAt <= now;
}

/** The part of a gap that a request may fill: all of it, or what of the time before the listing is not before it. */
export function askablePart(gap: Gap, listed: number): Span | null {
  return gap.state === "before_listing" ? spanOf(Math.max(gap.from, listed), gap.to) : gap;
}
