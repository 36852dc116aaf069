import { z } from "zod";
import { GAP_STATES } from "../../../runner/src/candle/gap.ts";
import { GAP_RESULTS, type GapResult } from "../../../runner/src/sync/asked-gaps.ts";
import { previewShape, summary } from "./fill.ts";
import { count, dryRun, interval, resultOf, runId, symbol, texts, time } from "./parts.ts";

const decimal = z
  .union([z.string(), z.number()])
  .nullable()
  .describe(
    "A text with all digits; a number with --numbers. Null in candles of the old layout that had none.",
  )
  .meta({ id: "decimal" });

export const candles = resultOf("candles", {
  candles: z
    .array(
      z
        .strictObject({
          symbol,
          interval,
          timestamp: time.describe("When the candle opens."),
          open: decimal,
          high: decimal,
          low: decimal,
          close: decimal,
          volume: decimal,
          closeTime: time.nullable(),
          quoteVolume: decimal,
          trades: count.nullable(),
          takerBase: decimal,
          takerQuote: decimal,
          source: z
            .string()
            .nullable()
            .describe(
              "Where the candle comes from: `rest`, or `legacy`; `simulated` for each made-up candle.",
            ),
        })
        .partial(),
    )
    .describe("By symbol, interval and time; with the fields that --columns names, or all."),
});

const span = { from: time, to: time.describe("Not included."), candles: count } as const;

export const verify = resultOf("verify", {
  findings: z.array(
    z.strictObject({
      symbol,
      interval,
      kind: z.enum([
        "vanished",
        "open gap",
        "overdue gap",
        "logged but stored",
        "duplicate",
        "orphan",
        "misaligned",
        "impossible",
        "contradiction",
        "covered beyond now",
        "candle beyond now",
      ]),
      ...span,
    }),
  ),
  series: count.describe("Series that were compared."),
  faults: count.describe("Findings that are faults, and series that could not be compared."),
  notRequested: count.describe("Gaps that nobody asked for yet; none of them is a fault."),
  inBackup: count.describe("Of these the ones that a restore has yet to load."),
  notes: texts,
  commands: texts.describe(
    "The commands that ask the exchange again, where this ends a finding; at most 50.",
  ),
});

const gapShape = { symbol, interval, ...span } as const;
const gapState = z.enum(GAP_STATES).meta({ id: "gapState" });
const nextCheckAt = time.nullable().describe("Null: no run asks for it by itself.");

/** What the log has after a repair; absent where the database is away. */
const logShape = {
  open: count.optional(),
  notRequested: count.optional(),
  inBackup: count.optional(),
  nextCheckAt: nextCheckAt.optional(),
} as const;

export const gaps = z.union([
  resultOf("gaps", {
    gaps: z.array(
      z.strictObject({
        id: z.uuid(),
        ...gapShape,
        state: gapState,
        reason: z.enum(["absent", "failed", "invalid"]).nullable(),
        attempts: count.describe("Answers without the candles."),
        evidence: z.strictObject({
          error: z.string().nullable(),
          raw: z.string().nullable().describe("The row that must not be stored."),
          absentSince: time.nullable(),
          before: time.nullable().describe("The nearest candle before it in the same answer."),
          after: time.nullable(),
        }),
        nextCheckAt,
        remedy: z.string().nullable().describe("The command that fills it, where no run does so by itself."),
      }),
    ),
    listed: count,
  }),
  resultOf("gaps", {
    gaps: z.array(
      z.strictObject({
        ...gapShape,
        result: z.enum(GAP_RESULTS),
        missing: count.describe("Candles that are still missing."),
        state: gapState.nullable(),
        error: z.string().nullable(),
        nextCheckAt,
      }),
    ),
    asked: count.describe("Gaps that the run was to ask for."),
    runId,
    results: z.strictObject(
      Object.fromEntries(GAP_RESULTS.map((result) => [result, count])) as Record<GapResult, typeof count>,
    ),
    intervals: z.array(summary),
    ...logShape,
  }),
  resultOf("gaps", {
    ...dryRun,
    gaps: z.array(z.strictObject(gapShape)),
    asked: count.describe("Gaps that a run would ask for."),
    intervals: z.array(z.strictObject(previewShape)),
    ...logShape,
  }),
]);

const gapCount = z.strictObject({ gaps: count, candles: count });
const byReason = z.strictObject({ absent: count, failed: count, invalid: count });

export const series = resultOf("series", {
  series: z.array(
    z.strictObject({
      symbol,
      interval,
      first: time.nullable().describe("The open time of the first stored candle."),
      last: time.nullable(),
      coveredFrom: time,
      coveredTo: time.describe("Not included."),
      candles: count,
      open: gapCount.extend({ byReason }),
      notRequested: gapCount,
      absent: gapCount,
      outsideListing: gapCount,
      estimatedBytes: count,
    }),
  ),
});
