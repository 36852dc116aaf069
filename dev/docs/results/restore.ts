import { z } from "zod";
import { DETECTORS } from "../../../runner/src/contract/damage.ts";
import { TIERS } from "../../../runner/src/contract/tiers.ts";
import { BESIDE_KEY } from "../../../runner/src/db/candles.ts";
import { count, dryRun, durationMs, interval, resultOf, skippedOf, symbol, time } from "./parts.ts";

const tier = z.enum(TIERS);
const value = z.string().nullable();
const bytes = count.describe("Of the objects as stored.");
const coinId = z.number().int().positive();

const differences = z
  .array(
    z.strictObject({
      coinId,
      symbol: symbol.nullable().describe("Null: the backup does not know the coin."),
      interval,
      added: count.describe("Rows that only the live table has."),
      missing: count.describe("Rows that the live table lacks."),
      changed: count.describe("Rows with other values."),
      from: time.describe("When the first of these candles opens."),
      last: time.describe("When the last of them opens."),
      first: z
        .array(
          z.strictObject({
            timestamp: time.describe("When the candle opens."),
            kind: z.enum(["added", "missing", "changed"]),
            columns: z
              .array(z.strictObject({ name: z.enum(BESIDE_KEY), restored: value, live: value }))
              .describe("What differs in a changed row, as texts."),
          }),
        )
        .describe("The first rows that differ."),
    }),
  )
  .describe("The parts that differ, with --compare.");
const otherCoins = z
  .array(z.strictObject({ id: coinId, backed: symbol, live: symbol }))
  .describe("Numbers that stand for another coin in the backup than in this database, with --compare.");

const leaf = z.string().describe("Without schema.");
const done = {
  leaf,
  from: z.strictObject({ tier, manifest: z.string(), snapshotAt: time }),
  parts: count.describe("Symbols and intervals."),
  rows: count,
  bytes,
  objects: z.array(
    z.strictObject({ kind: z.enum(["base", "delta"]), key: z.string(), rows: count, bytes: count }),
  ),
  durationMs,
} as const;
const failed = z
  .strictObject({ leaf, outcome: z.literal("failed"), from: z.null(), durationMs })
  .describe("No backup of the leaf could be restored from.");

const refused = {
  refused: z
    .array(
      z.strictObject({
        tier,
        manifest: z.string().nullable().describe("Null: the whole tier."),
        leaf: leaf.nullable().describe("Null: for every leaf."),
        reason: z.string(),
      }),
    )
    .describe("What was not restored from, in the order in which it was tried."),
} as const;

const shape = { schema: z.string(), ...refused } as const;

const wholeLeaf = {
  leaf,
  isHot: z.boolean().describe("The other commands wait for the leaf."),
  tier: tier.nullable().describe("Null: no backup of the leaf could be restored from."),
  rows: count,
  bytes,
  isWaiting: z
    .boolean()
    .describe("The leaf waits for a backup. A failed one that does not is lost: its slots are open gaps."),
  isAway: z.boolean().describe("A tier that gave no answer may have the leaf."),
  durationMs,
} as const;
const whole = {
  whole: z.literal(true),
  from: z
    .strictObject({ tier, manifest: z.string(), snapshotAt: time })
    .nullable()
    .describe("Where the tables come from. Null: no backup can be restored from."),
  isResumed: z.boolean().describe("The run goes on with a restore that was cut off."),
  isOver: z.boolean().describe("Nothing is left to be loaded."),
  tables: z
    .array(z.strictObject({ name: z.string(), rows: count }))
    .describe(
      "Empty where the run goes on with another one. In a plan at most so many rows: later objects replace rows of earlier ones.",
    ),
  rows: count.describe("Of the leaves."),
  hotMs: count.nullable().describe("Until every other command worked again, in ms. Null: they do not yet."),
  durationMs,
  ...refused,
} as const;

const mendedLeaf = {
  leaf,
  findings: z.array(
    z.strictObject({
      detector: z.enum(DETECTORS).describe("What found the damage; by-hand: a person named the leaf."),
      detail: z.string(),
    }),
  ),
  why: z
    .string()
    .nullable()
    .describe("What keeps the leaf from being restored: a brake, the hold, another run, no backup."),
  from: z
    .strictObject({ tier, manifest: z.string(), snapshotAt: time })
    .nullable()
    .describe("Null: no backup of the leaf could be restored from, or none was asked for."),
  rows: count.describe("Candles of the backup."),
  added: z
    .strictObject({
      revised: count.describe("Candles with a later revision than the backup."),
      salvaged: count.describe("Candles of the damaged table that the backup lacks."),
      gaps: count.describe("Candles that are missing and now in the gap log."),
    })
    .nullable()
    .describe("What came on top of the backup. Null: nothing was swapped."),
  after: z
    .array(
      z.strictObject({
        step: z.enum(["sync", "verify", "scrub"]),
        isOk: z.boolean().nullable().describe("Null: it could not be done now."),
        text: z.string(),
      }),
    )
    .describe("What followed the swap."),
  durationMs,
} as const;
const damaged = {
  damaged: z.literal(true),
  hold: z.string().nullable().describe("Why nothing may be swapped. Null: it may."),
  isDiskKnown: z.boolean().describe("DB_SIZE_BUDGET_GB is set, so that room on the disk was a brake."),
  ...refused,
  durationMs,
} as const;

export const restore = z.union([
  resultOf("restore", {
    ...shape,
    leaves: z.array(
      z.union([
        z.strictObject({
          ...done,
          outcome: z.literal("restored"),
          differences: differences.optional(),
          otherCoins: otherCoins.optional(),
        }),
        failed,
      ]),
    ),
  }),
  resultOf("restore", {
    ...dryRun,
    ...shape,
    leaves: z.array(z.union([z.strictObject({ ...done, outcome: z.literal("planned") }), failed])),
  }),
  resultOf("restore", {
    ...whole,
    leaves: z.array(z.strictObject({ ...wholeLeaf, outcome: z.enum(["restored", "failed"]) })),
  }),
  resultOf("restore", {
    ...dryRun,
    ...whole,
    leaves: z.array(z.strictObject({ ...wholeLeaf, outcome: z.enum(["planned", "failed"]) })),
  }),
  resultOf("restore", {
    ...damaged,
    leaves: z.array(
      z.strictObject({
        ...mendedLeaf,
        outcome: z
          .enum(["mended", "prepared", "left", "failed", "busy"])
          .describe(
            "prepared: the restored table is built and checked, and not swapped; left: nothing was done; failed: no backup gives it; busy: a later run may do it.",
          ),
      }),
    ),
  }),
  resultOf("restore", {
    ...dryRun,
    ...damaged,
    leaves: z.array(z.strictObject({ ...mendedLeaf, outcome: z.enum(["planned", "left", "failed"]) })),
  }),
  resultOf("restore", {
    hold: z
      .string()
      .nullable()
      .describe("With --hold: why nothing is swapped from now on. With --resume: null."),
  }),
  skippedOf("restore"),
]);
