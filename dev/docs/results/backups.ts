import { z } from "zod";
import { TIERS } from "../../../runner/src/contract/tiers.ts";
import { count, resultOf, time } from "./parts.ts";

const tier = z.enum(TIERS);

export const backups = resultOf("backups", {
  tiers: z.array(
    z.strictObject({
      tier,
      address: z.string().describe("Without credentials."),
      backups: count.nullable().describe("Manifests in the tier; null: it cannot be listed."),
    }),
  ),
  backups: z
    .array(
      z.strictObject({
        tier,
        key: z.string().describe("The manifest."),
        backup: count.describe("The row in r3a.backup of the database that wrote it."),
        kind: z.enum(["daily", "delta"]),
        madeAt: time.describe("When the manifest was written: restore --at goes by it."),
        snapshotAt: time.describe("The moment that the backup shows."),
        symbols: count.nullable().describe("With candles; null: a leaf record cannot be read."),
        leaves: count,
        rows: count.describe("Candles that it restores."),
        objects: count.nullable().describe("Objects that it names; null as symbols."),
        bytes: count
          .nullable()
          .describe("Of these objects as stored; backups share objects. Null as symbols."),
        verifiedAt: time
          .nullable()
          .describe("Since then each object was read and was right; null: not known, see ledgerFault."),
        suspects: count.describe("Suspects that the manifest lists."),
      }),
    )
    .describe("The newest first."),
  refused: z
    .array(
      z.strictObject({
        tier,
        manifest: z.string().nullable().describe("Null: the whole tier."),
        leaf: z.string().nullable().describe("Null: the manifest itself."),
        reason: z.string(),
      }),
    )
    .describe("What cannot be read."),
  breaks: z
    .array(z.strictObject({ tier, manifest: z.string(), previous: z.string() }))
    .describe("Manifests of the list whose predecessor in the tier is gone."),
  ledgerFault: z
    .string()
    .nullable()
    .describe("Why the database did not say when objects were verified; null: it did."),
});
