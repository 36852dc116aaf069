import { z } from "zod";
import { TIERS } from "../../../runner/src/contract/tiers.ts";
import { count, dryRun, durationMs, resultOf, skippedOf, texts, time } from "./parts.ts";

const tier = z.enum(TIERS);

export const drill = z.union([
  resultOf("drill", {
    verdict: z
      .enum(["passed", "failed", "open"])
      .describe("failed: something differs or nothing is restored; open: something could not be compared."),
    tier,
    manifest: z.string().nullable().describe("Null: none was found."),
    snapshotAt: time
      .nullable()
      .describe("The moment that the backup shows. Null: the manifest cannot be read."),
    rpoMs: durationMs.nullable().describe("Age of the snapshot when the drill began, in milliseconds."),
    rtoMs: durationMs.nullable().describe("Until the hot set was there, in milliseconds. Null: never."),
    wholeMs: durationMs.nullable().describe("Until all was restored, in milliseconds. Null: never."),
    leaves: count.describe("Leaves that were compared with their records."),
    tables: count.describe("Small tables that were compared with their objects."),
    rows: count.describe("Candles that were restored."),
    golden: count.describe("Restored candles that were compared with the exchange."),
    damage: z
      .strictObject({
        key: z.string(),
        byte: count.describe("Its place in the object, from 0."),
        reason: z.string().nullable().describe("Why the restore refused the object. Null: it did not."),
      })
      .nullable()
      .describe("The object of which the drill changed one byte while it was read. Null: nothing was read."),
    faults: texts.describe("What differs or is not restored."),
    open: texts.describe("What could not be compared."),
  }),
  resultOf("drill", {
    ...dryRun,
    tier,
    manifest: z.string(),
    snapshotAt: time.describe("The moment that the backup shows."),
    leaves: count,
    tables: count,
    rows: count,
    database: z.string().describe("The name of the database that would be made and dropped."),
    left: texts.describe("Databases of earlier drills on that server."),
  }),
  skippedOf("drill"),
]);
