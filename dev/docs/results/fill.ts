import { z } from "zod";
import { count, dryRun, durationMs, interval, resultOf, runId, skippedOf, symbol, time } from "./parts.ts";

/** What a run did to the series of one interval. */
export const summary = z
  .strictObject({
    interval,
    symbols: count.describe(
      "Symbols that the run worked on, and the others that `unknown` and `unanswered` name.",
    ),
    added: count.describe("New candles."),
    repaired: count.describe("Candles in what was a gap."),
    revised: count.describe("Candles that had other values; the old values are in r3a.candle_revision."),
    kept: count.describe("Stored candles that the exchange does not show any more."),
    failed: count.describe(
      "Series of which something failed, and symbols that `unknown` and `unanswered` name.",
    ),
    skipped: count.describe("Series that another run was at work on."),
    stopped: count.describe(
      "Series of which nothing failed, and in the middle of which the run was stopped.",
    ),
    gapsOpen: count.describe("Of these symbols, after the run."),
    gapsNotRequested: count.describe("Gaps of these symbols that nobody asked for yet."),
    gapsInBackup: count.describe("Of these the ones that a restore has yet to load."),
    newestAgeMs: durationMs.nullable().describe("Milliseconds since the close of the newest candle."),
  })
  .meta({ id: "summary" });

/** What a run would ask for, of one interval. */
export const previewShape = {
  interval,
  candles: count.describe("At most so many."),
  requests: count,
  weight: count.describe("Weight that the exchange counts for the requests."),
  minutes: z.number().nonnegative().describe("At least so many minutes, at the share of the weight."),
  series: z.array(
    z.strictObject({
      symbol,
      from: time.nullable(),
      to: time.nullable().describe("Not included."),
      candles: count,
      requests: count,
      fault: z.string().nullable().describe("Why a run would fail at this series."),
    }),
  ),
} as const;

const filled = {
  runId,
  intervals: z.array(summary),
  unknown: z
    .array(symbol)
    .describe("Named symbols that the exchange does not know, or does not know any more."),
  unanswered: z
    .array(symbol)
    .describe("Named symbols whose listing did not come: the exchange may know them."),
} as const;

export const sync = z.union([
  resultOf("sync", filled),
  resultOf("sync", { ...dryRun, ...previewShape }),
  skippedOf("sync"),
]);

export const backfill = z.union([
  resultOf("backfill", filled),
  resultOf("backfill", { ...dryRun, ...previewShape }),
]);

export const plan = z.union([resultOf("plan", previewShape), skippedOf("plan")]);
