import { type Interval, WIDTH_MS } from "../contract/intervals.ts";
import type { RunItem } from "../db/runs.ts";
import type { SeriesState } from "../db/series.ts";
import type { Logger } from "../log.ts";
import { renderTime } from "../time.ts";
import { newTally, type Tally } from "./fill.ts";

/** A series that is worked on; `startedAt` by performance.now(). */
export type StartedSeries = {
  readonly coinId: number;
  readonly symbol: string;
  readonly interval: Interval;
  readonly startedAt: number;
};

/** What became of a series: `state` where all its pages were asked for, `tally` where some were. */
type End = Pick<RunItem, "outcome" | "error"> & { readonly state?: SeriesState; readonly tally?: Tally };

/** The ledger's item of a series. */
export function itemOf(
  { coinId, interval, startedAt }: StartedSeries,
  { outcome, state, tally = newTally(), error }: End,
): RunItem {
  const { pages, added, repaired, revised, kept } = tally;
  return {
    ...{ coinId, interval, outcome, pages, added, repaired, revised, kept },
    gaps: state?.openGaps ?? 0,
    lastClose: state?.lastTs == null ? null : state.lastTs + WIDTH_MS[interval],
    ms: Math.round(performance.now() - startedAt),
    error,
  };
}

/** One line for what was done, and one for each thing that a person should know. */
export function logSeries(
  log: Logger,
  { symbol, interval, startedAt }: StartedSeries,
  { tally, state }: { readonly tally: Tally; readonly state: SeriesState },
): void {
  const { failure, keptFrom, ...counts } = tally;
  const facts = {
    symbol,
    interval,
    "event.name": "series_synced",
    ...counts,
    gaps: state.openGaps,
    ms: Math.round(performance.now() - startedAt),
  };
  if (keptFrom !== null)
    log.warn(
      { symbol, interval, "event.name": "candles_kept", kept: tally.kept },
      `[RUN] ${tally.kept} stored candles are not in the exchange's answer any more, or broken there; they stay as they are. The first is of ${renderTime(keptFrom)}`,
    );
  if (failure === null)
    log.info(facts, `[RUN] ${tally.added} added, ${tally.repaired} repaired, ${tally.revised} revised`);
  else
    log.warn(
      facts,
      `[RUN] ${tally.failedPages} of ${tally.pages} pages failed and are gaps in the log: ${failure.message}`,
    );
}
