import { isRejected, parseCandle } from "../../candle/candle.ts";
import { slotOf } from "../../candle/interval.ts";
import { garbage } from "../failure.ts";
import type { Believed } from "./believed.ts";

/** Weight of this address in the running minute, by the exchange's own count. */
export type UsedWeight = Believed<"used weight">;

/** Ten times what the exchange allows: its count goes on beyond the limit, but not for long. */
const MOST_USED = 60_000;

/** The header `x-mbx-used-weight-1m`; null, as if it were not there, for anything but one count that can be. */
export function believeUsedWeight(header: string | undefined): UsedWeight | null {
  const text = header?.trim() ?? "";
  return /^\d{1,6}$/.test(text) && Number(text) <= MOST_USED ? (Number(text) as UsedWeight) : null;
}

/**
 * The minute (ms) of a symbol's first candle, from an answer to "one row since 0"; null where the symbol has none. Kept
 * for good, and what lies before is never asked for: so the row must be sound, and not of a time that has not come.
 */
export function believeFirstOpen(rows: readonly unknown[], now: number): number | null {
  if (rows.length === 0) return null;
  const first = parseCandle(rows[0], now);
  if (isRejected(first)) throw garbage(`the first candle cannot be right (${first.reason}): ${first.raw}`);
  return slotOf("1m", first.openTime);
}
