import { z } from "zod";
import { count, dryRun, durationMs, interval, resultOf, skippedOf, symbol, texts, time } from "./parts.ts";

const statements = texts.describe("SQL about the roles, with --roles.");

export const migrate = z.union([
  resultOf("migrate", { applied: texts.describe("Migrations, in their order."), statements }),
  resultOf("migrate", { ...dryRun, pending: texts.describe("Migrations, in their order."), statements }),
]);

const refused = texts.describe("What a person must look at; maint leaves these tables alone.");
const actionShape = {
  op: z.string(),
  object: z.string(),
  attempts: count.describe("Tries in vain since the last that worked."),
  rank: z.number().describe("A small rank comes first."),
} as const;

const action = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("index"),
    ...actionShape,
    sql: z.string(),
    table: z.string(),
    isConcurrent: z.boolean(),
    builder: z.number().int().nullable().describe("The pid of a session that builds on the table already."),
  }),
  z.strictObject({ kind: z.literal("table"), ...actionShape, sql: z.string() }),
  z.strictObject({ kind: z.literal("leaf"), ...actionShape, parent: z.string(), from: time, to: time }),
  z.strictObject({ kind: z.literal("ledger"), ...actionShape }),
]);

export const maint = z.union([
  resultOf("maint", {
    steps: z.array(
      z.strictObject({
        op: z.string(),
        object: z.string(),
        outcome: z.enum(["done", "failed", "blocked"]),
        error: z.string().nullable(),
        durationMs,
      }),
    ),
    backlog: count.describe("Operations that are still to be done."),
    refused,
  }),
  resultOf("maint", {
    ...dryRun,
    actions: z.array(action).describe("The most valuable first."),
    refused,
    notes: texts.describe("What a person should look at; it hinders no work."),
  }),
  skippedOf("maint"),
]);

const stepShape = {
  table: z.string(),
  kind: z.enum(["leaf", "parent", "table"]),
  action: z.enum(["analyze", "vacuum", "freeze", "summarize"]),
  debt: z.number().describe("A step becomes worth while at 1."),
  reason: z.string(),
} as const;
const waiting = {
  busy: z
    .array(z.strictObject({ ...stepShape, busyWith: z.string() }))
    .describe("Due, and left to the session that works on the table."),
  postponed: z.array(z.strictObject(stepShape)).describe("Due, and left out by --analyze-only."),
} as const;

export const vacuum = z.union([
  resultOf("vacuum", {
    steps: z.array(
      z.strictObject({
        ...stepShape,
        outcome: z.enum(["done", "skipped", "incomplete", "cut", "failed"]),
        error: z.string().nullable(),
        durationMs,
      }),
    ),
    left: count.describe("Steps that the budget did not reach."),
    ...waiting,
  }),
  resultOf("vacuum", { ...dryRun, steps: z.array(z.strictObject(stepShape)), ...waiting }),
  skippedOf("vacuum"),
]);

/** PostgreSQL knows times that the calendar of ISO 8601 does not; only a person can have written one. */
const lastTs = z.union([time, z.string().regex(/^(-?infinity|year -?\d+)$/)]).nullable();

export const refreshLastts = z.union([
  resultOf("refresh-lastts", {
    dryRun: dryRun.dryRun.optional(),
    series: count.describe("Series that were compared."),
    changes: z.array(
      z.strictObject({
        coinId: z.number().int(),
        symbol,
        interval: z.union([interval, z.string()]).describe("The table may hold one that is unknown."),
        kind: z.enum(["added", "raised", "lowered", "removed"]),
        from: lastTs.describe("What the table said."),
        to: lastTs.describe("What the candles say."),
      }),
    ),
    busy: count.describe("Differences that were left to a sync at the same row."),
    isLegacyThere: z.boolean().describe("Candles of the old layout are not moved yet."),
    isRestoring: z.boolean().describe("A restore has not loaded all leaves yet."),
  }),
  skippedOf("refresh-lastts"),
]);

const old = { leaves: count, rows: count, bytes: count } as const;

export const migrateLayout = z.union([
  resultOf("migrate-layout", {
    leaves: count.describe("Leaves that this run moved."),
    rows: count,
    added: count,
    same: count.describe("Rows that were stored already with the same values."),
    differed: count.describe("Rows that were stored with other values."),
    repeated: count.describe("Rows with the timestamp of another row of their leaf."),
    rejected: count.describe("Rows that must not be stored."),
    leavesLeft: count,
    leavesFailed: count,
    isComplete: z.boolean(),
    kept: texts.describe("Renamed tables of the old system that still exist."),
  }),
  resultOf("migrate-layout", {
    ...dryRun,
    stage: z.enum(["none", "old", "moving"]),
    ...old,
    extraBytes: count.describe("Free space that the move needs at its peak."),
    walBytes: count,
    minutes: z.number().nonnegative(),
    intervals: z.array(z.strictObject({ interval, ...old })),
    columns: texts,
    dropColumns: texts,
    coins: z.array(z.strictObject({ id: z.number().int(), symbol, base: z.string(), quote: z.string() })),
    coinsLeft: z.array(z.number().int()),
    renames: texts,
    drops: texts,
    readers: z.array(z.strictObject({ name: z.string(), on: z.string() })),
    grants: z.array(z.strictObject({ role: z.string(), on: z.string() })),
    publications: texts,
    attached: texts,
  }),
  skippedOf("migrate-layout"),
]);
