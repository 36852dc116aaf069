import { isSymbol, parseSymbol } from "@r3a/runner/contract/symbol";
import { z } from "zod";
import { LABEL, LONGEST_SUBDOMAIN, SUBDOMAIN } from "./dns-name.ts";

const QUANTITY = /^\d+(\.\d+)?(m|Ki|Mi|Gi|Ti)?$/;

/** A name of 63 characters at most, as namespaces have. */
export const label = z
  .string()
  .regex(LABEL, "must be a DNS label: a-z, 0-9 and - only, 63 characters at most");
export const objectName = z
  .string()
  .max(LONGEST_SUBDOMAIN)
  .regex(SUBDOMAIN, "must be a DNS name: a-z, 0-9, - and . only");
/** A name of an object, or the empty text: none. */
export const optionalName = z.union([objectName, z.literal("")]);
export const seconds = z.int().min(1).max(604_800);
export const count = z.int().min(0).max(1_000);
/** A number of the runner, with its bounds and its default. */
export const upTo = (number: { readonly default: number; readonly most: number }) =>
  z.int().min(1).max(number.most).default(number.default);
export const quantity = z.string().regex(QUANTITY, "must be a quantity, e.g. 250m, 128Mi");
export const digest = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, "must be sha256: and 64 hex digits, as the registry shows it");
export const cidr = z.union([z.cidrv4(), z.cidrv6()], "must be a CIDR block, e.g. 10.0.0.0/16");
export const url = z.url({ protocol: /^https?$/, error: "must be an http or https URL" });
/** A symbol in any usual spelling, judged by the runner's own grammar. */
export const symbol = z
  .string()
  .refine((text) => isSymbol(parseSymbol(text)), "must be a symbol, e.g. BTCUSDT or btc/usdt");
export const pullPolicy = z.enum(["IfNotPresent", "Always", "Never"]);

/** Processor and memory of a container. The processor has no limit: a throttled minute job would miss its minute. */
export const resources = z.strictObject({
  cpuRequest: quantity,
  memoryRequest: quantity,
  memoryLimit: quantity,
  temporarySpace: quantity,
});
export type Resources = z.infer<typeof resources>;

/** The fields of a job that an environment may change; every other field has the value of `model/jobs.ts`. */
export const jobOverride = z.strictObject({
  enabled: z.boolean().exactOptional().describe("False: this environment does not have the job."),
  schedule: z.string().exactOptional().describe("Cron expression of five fields, UTC."),
  suspend: z.boolean().exactOptional().describe("True: the CronJob exists and starts nothing."),
  concurrencyPolicy: z
    .enum(["Forbid", "Allow", "Replace"])
    .exactOptional()
    .describe("What happens at a start while the last run still works; default Forbid."),
  startingDeadlineSeconds: seconds
    .exactOptional()
    .describe("How late a start may be, in seconds; a later start is left out."),
  activeDeadlineSeconds: seconds
    .exactOptional()
    .describe("Kubernetes ends the Job after so many seconds, start-up and waits included."),
  /** 0 would mean no deadline; checkJobs refuses it and says why. */
  deadlineSeconds: z
    .int()
    .min(0)
    .max(604_800)
    .exactOptional()
    .describe(
      "The command's own deadline in seconds; default: the rest of activeDeadlineSeconds after start-up and grace.",
    ),
  terminationGracePeriodSeconds: seconds.exactOptional().describe("Seconds from SIGTERM to SIGKILL."),
  backoffLimit: count.exactOptional().describe("How often a failed pod is tried again."),
  successfulJobsHistoryLimit: count.exactOptional().describe("The setting of the same name, for this job."),
  failedJobsHistoryLimit: count.exactOptional().describe("The setting of the same name, for this job."),
  ttlSecondsAfterFinished: seconds.exactOptional().describe("The setting of the same name, for this job."),
  waitDb: z.boolean().exactOptional().describe("Whether an init container waits for the database."),
  shards: z.int().min(1).max(100).exactOptional().describe("Pods of an Indexed Job that share the series."),
  runMode: z
    .enum(["cronjob", "deployment"])
    .exactOptional()
    .describe("deployment: one pod that repeats its command, for the minute syncs only."),
  image: z
    .string()
    .exactOptional()
    .describe("Whole image of this job, with digest; default: the image of the runner."),
  imagePullPolicy: pullPolicy.exactOptional().describe("The setting of the same name, for this job."),
  resources: z
    .strictObject({
      cpuRequest: quantity.exactOptional(),
      memoryRequest: quantity.exactOptional(),
      memoryLimit: quantity.exactOptional(),
      temporarySpace: quantity.exactOptional(),
    })
    .exactOptional()
    .describe(
      "{cpuRequest, memoryRequest, memoryLimit, temporarySpace}, each the setting of the same name, for this job.",
    ),
});
export type JobOverride = z.infer<typeof jobOverride>;
