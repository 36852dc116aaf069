import { z } from "zod";
import { DETECTORS } from "../../../runner/src/contract/damage.ts";
import { count, dryRun, durationMs, resultOf, skippedOf } from "./parts.ts";

const detector = z.enum(DETECTORS);
const state = z
  .enum(["open", "sealing", "sealed", "restoring"])
  .nullable()
  .describe("What a seal or a restore made of the leaf. Null: none ever took it.");

export const scrub = z.union([
  resultOf("scrub", {
    hasAmcheck: z
      .boolean()
      .describe(
        "False: the role cannot use the extension amcheck, so of each leaf only the keys of the primary key were checked.",
      ),
    isComplete: z.boolean().describe("False: another scrub began while the server recovered from a crash."),
    leaves: z.array(
      z.strictObject({
        leaf: z.string(),
        state,
        findings: z.array(z.strictObject({ detector, detail: z.string() })),
        gone: z.array(detector).describe("Earlier findings that are not true any more."),
        isUnguarded: z.boolean().describe("The leaf counts as sealed, and its guard is gone."),
        skipped: z.string().nullable().describe("Why something could not be looked at. Null: all was."),
        durationMs,
      }),
    ),
  }),
  resultOf("scrub", {
    ...dryRun,
    leaves: z.array(
      z.strictObject({
        leaf: z.string(),
        state,
        bytes: count.nullable().describe("Size of the table without its indexes. Null: there is no table."),
        rows: count.describe("What the backups restore."),
      }),
    ),
  }),
  skippedOf("scrub"),
]);
