import { z } from "zod";
import type { CommandName } from "../../../runner/src/contract/commands.ts";
import { INTERVALS } from "../../../runner/src/contract/intervals.ts";

/** The parts that the schemas of several results share. All objects are strict: a field without a schema is a fault. */

const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?Z$/;

export const time = z
  .string()
  .regex(ISO)
  .meta({ id: "time", format: "date-time", description: "ISO 8601, UTC" });
export const count = z.number().int().nonnegative();
export const durationMs = count.describe("Milliseconds.");
export const interval = z.enum(INTERVALS).meta({ id: "interval" });
export const texts = z.array(z.string());
export const symbol = z.string().describe("As the exchange names it, e.g. BTCUSDT.");
export const runId = z.uuid().describe("The row of the run in r3a.run.");
export const status = z.enum(["pass", "warn", "fail", "error", "skip"]).meta({ id: "status" });

export const dryRun = { dryRun: z.literal(true).describe("Nothing was changed.") } as const;

/** What every result has, then its own fields. */
export function resultOf<Shape extends z.ZodRawShape>(command: CommandName, shape: Shape) {
  return z.strictObject({ version: z.literal(1), command: z.literal(command), ...shape });
}

/** A run that left its work to somebody else, or that had none. */
export function skippedOf(command: CommandName) {
  return resultOf(command, { skipped: z.string().describe("Why nothing was done.") });
}
