import type { Span } from "./candle/span.ts";
import type { Interval } from "./contract/intervals.ts";
import { commandLine } from "./program-name.ts";
import { renderShortTime } from "./time.ts";

/** A part of a series; times in ms. */
export type SeriesSpan = Span & { readonly symbol: string; readonly interval: Interval };

/**
 * The command that asks the exchange for a span that the series covers already, whole, so that it can be copied. Without
 * `--again` a backfill asks for no slot that is covered and outside of the gap log, so it fetches no vanished candle.
 */
export function againCommand({ symbol, interval, from, to }: SeriesSpan): string {
  return commandLine(
    `backfill ${interval} --symbols ${symbol} --from ${renderShortTime(from)} --to ${renderShortTime(to)} --again`,
  );
}
