import { z } from "zod";
import { count, dryRun, resultOf, skippedOf, texts } from "./parts.ts";

const why = z.string().nullable().describe("A sentence; null: nothing is to be said.");
const leaf = z.string().describe("Without schema.");
const held = z.string().nullable().describe("Why a person holds the recovery; null: nobody does.");

export const seal = z.union([
  resultOf("seal", {
    leaves: z.array(
      z.strictObject({
        leaf,
        outcome: z
          .enum(["sealed", "left", "refused", "reopened", "busy", "failed"])
          .describe("refused and failed: a person must look. The next run takes up the others by itself."),
        why,
        rows: count,
        isRewritten: z.boolean().describe("Its rows were put into a new table, in the order of their key."),
        pages: z.strictObject({ before: count, after: count }).nullable(),
        tiers: texts.describe("Those that gave back whole what restores the leaf."),
      }),
    ),
    held,
    stopped: z.string().nullable().describe("The error that ended the run early; null: none did."),
  }),
  resultOf("seal", {
    ...dryRun,
    held,
    leaves: z.array(
      z.strictObject({
        leaf,
        action: z.enum(["seal", "wait", "never", "none"]),
        isReopened: z.boolean().describe("It was sealed before."),
        why,
      }),
    ),
  }),
  skippedOf("seal"),
]);
