import { intersect, type Span } from "../candle/span.ts";
import type { Context } from "../context.ts";
import { EXIT } from "../contract/exits.ts";
import type { Interval } from "../contract/intervals.ts";
import { findDatabaseTime } from "../db/clock.ts";
import { findCoins, listCoins } from "../db/coins.ts";
import type { Database } from "../db/connect.ts";
import { countUnasked } from "../db/gap-list.ts";
import { loadSeries } from "../db/series.ts";
import { refuseUnknown } from "../db/unknown-symbols.ts";
import { createProgress } from "../progress.ts";
import type { RunResult } from "../run.ts";
import { createReport } from "./report.ts";
import { verifySeries } from "./verify.ts";

/** Which series to compare (`symbols` null: all), and which part of them; `isNarrowed`: an option chose these. */
type VerifyRequest = {
  readonly symbols: readonly string[] | null;
  readonly intervals: readonly Interval[];
  readonly span: Span;
  readonly isNarrowed: boolean;
  readonly asJson: boolean;
};

/**
 * Compares the series one after the other and prints what is wrong with them. The exit code is 1 where a person must do
 * something.
 */
export async function runVerify(
  context: Context,
  db: Database,
  { symbols, intervals, span, isNarrowed, asJson }: VerifyRequest,
): Promise<RunResult> {
  await refuseUnknown(db, symbols);
  const coins = symbols === null ? await listCoins(db) : await findCoins(db, symbols);
  const coinIds = coins.map(({ coinId }) => coinId);
  const now = await findDatabaseTime(db);
  const report = createReport(context, { asJson, isNarrowed });
  const progress = createProgress("verify", context.terminal, "series");
  let series = 0;
  try {
    progress.start(intervals.length * coins.length);
    for (const interval of intervals) {
      for (const state of await loadSeries(db, interval, coinIds)) {
        context.signal.throwIfAborted();
        const { covered } = state;
        if (covered !== null && (state.fault !== undefined || intersect(covered, span) !== null)) series += 1;
        if (state.fault !== undefined) report.note(state.fault);
        else
          for await (const disagreement of verifySeries(db, state, { wanted: span, now }))
            await report.add(disagreement);
        progress.advance(1);
      }
    }
  } finally {
    progress.stop();
  }
  await report.end(series, await countUnasked(db, { symbols, intervals, from: span.from, to: span.to }));
  const faults = report.faults();
  if (faults === 0) return { exitCode: EXIT.done };
  return {
    exitCode: EXIT.failed,
    hasFindings: true,
    reason: `${faults} faults; run verify again to see them`,
  };
}
