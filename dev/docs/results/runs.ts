import { z } from "zod";
import { count, durationMs, interval, resultOf, runId, time } from "./parts.ts";

const runShape = {
  runId,
  command: z.string(),
  arguments: z
    .string()
    .describe(
      "As they are typed: `r3a COMMAND ARGUMENTS` repeats the run. Without --deadline, --every and --json.",
    ),
  origin: z.string().nullable().describe("The job that started the run; null: a person."),
  startedAt: time,
  durationMs: durationMs.describe("Milliseconds, so far for a run that goes on."),
  deadlineMs: durationMs.nullable().describe("The deadline that the run had; null: none."),
  outcome: z.string(),
  exitCode: z.number().int().nullable(),
  candlesWritten: count,
  series: count.nullable(),
  error: z.string().nullable(),
} as const;

const item = z.strictObject({
  symbol: z.string().nullable(),
  interval: z.union([interval, z.string()]),
  outcome: z.string(),
  pages: count,
  added: count,
  repaired: count,
  revised: count,
  error: z.string().nullable(),
  durationMs,
});

export const runs = z.union([
  resultOf("runs", { runs: z.array(z.strictObject(runShape)).describe("The newest first.") }),
  resultOf("runs", { run: z.strictObject({ ...runShape, items: z.array(item) }) }),
]);
