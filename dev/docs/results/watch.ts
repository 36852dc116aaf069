import { z } from "zod";
import { count, dryRun, resultOf, status, texts, time } from "./parts.ts";

const entry = z.strictObject({
  componentId: z.string().describe("An interval, a part of the database, a job, or nothing."),
  status,
  observedValue: z.number().nullable(),
  observedUnit: z.string(),
  observedTime: time.nullable(),
  criteria: z
    .record(z.string().regex(/^[a-z][A-Za-z]*$/), z.number())
    .describe("The limits of the observed value, in its unit; other names contain their own unit."),
  time,
  output: z.string(),
  names: texts.describe("At most ten of what is affected."),
  moreNames: count,
  runbook: z.string().describe("The section of docs/operations.md."),
});

export const health = resultOf("health", {
  status,
  time: time.describe("All ages count up to this moment."),
  databaseUp: z.boolean(),
  checks: z
    .record(z.string().regex(/^[a-z]+:[a-z]+$/), z.array(entry))
    .describe(
      "By check and measure, e.g. freshness:age, as the health check draft for HTTP APIs names them.",
    ),
});

export const doctor = resultOf("doctor", {
  status: status.describe("The worst of all checks."),
  at: time,
  checks: z.array(
    z.strictObject({
      name: z.string(),
      status,
      output: z.string(),
      remedy: z.string().describe("What to do next; empty where nothing is to be done."),
    }),
  ),
});

export const janitor = resultOf("janitor", {
  dryRun: dryRun.dryRun.optional(),
  namespace: z.string(),
  looked: z.strictObject({ pods: count, jobs: count, cronJobs: count }),
  remove: count,
  keep: count,
  brake: z.string().nullable().describe("Why nothing may be removed; null where it may."),
  decisions: z.array(
    z.strictObject({
      action: z.enum(["delete-pod", "fail-job", "delete-job", "keep"]),
      kind: z.enum(["Pod", "Job"]),
      name: z.string(),
      reason: z.string(),
      container: z.string().nullable(),
      since: time.nullable(),
      evidence: z.string(),
      keptBecause: z.string().nullable(),
      owners: z.array(z.strictObject({ kind: z.string(), name: z.string(), uid: z.string() })),
      uid: z.string(),
      pods: count.describe("Pods that go."),
    }),
  ),
});
