import { z } from "zod";
import { TIERS } from "../../../runner/src/contract/tiers.ts";
import { count, dryRun, interval, resultOf, skippedOf, status, time } from "./parts.ts";

const kind = z.enum(["daily", "delta"]);
const place = { tier: z.enum(TIERS), address: z.string().describe("Without credentials.") } as const;
const open = count.describe(
  "Suspects that are open: candles that changed or vanished though nothing explains it.",
);

export const backup = z.union([
  resultOf("backup", {
    kind,
    backup: count.describe("The row in r3a.backup."),
    snapshotAt: time.describe("The moment that the backup shows."),
    isWhole: z.boolean().describe("At least one leaf was judged without the numbers of transactions."),
    leaves: count.describe("Leaves that were looked at."),
    objects: count.describe("New objects."),
    rows: count.describe("In the new objects."),
    bytes: count.describe("Of the new objects as stored."),
    tiers: z.array(
      z.strictObject({
        ...place,
        manifest: z.string().nullable().describe("Null: the tier failed."),
        fault: z.string().nullable(),
      }),
    ),
    found: count.describe("New suspects."),
    open,
    suspects: z
      .array(
        z.strictObject({
          leaf: z.string().describe("Without schema."),
          symbol: z.string().describe("Or coin and its id, where no symbol has it."),
          interval,
          kind: z.enum(["changed", "vanished", "content"]),
          count,
          from: time.nullable().describe("When the first of them opens; null: not known which candles."),
          last: time.nullable().describe("When the last of them opens; null as from."),
        }),
      )
      .describe("The open suspects by symbol, interval and kind, the first 20 of them."),
    lost: z
      .array(
        z.strictObject({
          leaf: z.string().describe("Without schema."),
          coinId: count.describe("id in r3a.coin."),
          interval,
        }),
      )
      .describe(
        "Parts that no tier gives back; something of each is suspect, so the live rows are not taken.",
      ),
    collapse: z
      .string()
      .nullable()
      .describe(
        "Why this backup restores much less than the newest before it, or a daily one than one of seven.",
      ),
    leftOut: z
      .array(z.string())
      .describe("Columns and tables of the database that no backup holds, and an old layout."),
    strangers: z
      .array(z.strictObject({ tier: place.tier, manifest: z.string() }))
      .describe("Tiers whose newest manifest was of another database: two must not share a tier."),
  }),
  resultOf("backup", {
    ...dryRun,
    kind,
    tiers: z.array(z.strictObject(place)),
    leaves: z.array(
      z.strictObject({
        leaf: z.string().describe("Without schema."),
        written: count
          .nullable()
          .describe("Rows written since the last backup; null: none looked at the leaf."),
      }),
    ),
    open,
  }),
  resultOf("backup", {
    check: z.literal(true).describe("backup check: no backup was made."),
    tiers: z.array(
      z.strictObject({
        ...place,
        status: status.describe("The worst of the steps."),
        steps: z.array(
          z.strictObject({
            name: z.enum(["list", "write", "read", "overwrite", "rights", "room", "delete", "clock"]),
            status,
            output: z.string(),
          }),
        ),
      }),
    ),
  }),
  resultOf("backup", { ...dryRun, check: z.literal(true), tiers: z.array(z.strictObject(place)) }),
  skippedOf("backup"),
]);
