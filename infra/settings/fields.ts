import { z } from "zod";

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const QUANTITY = /^\d+(\.\d+)?(m|Ki|Mi|Gi|Ti)?$/;

/** A name of 63 characters at most, as namespaces have. */
export const label = z
  .string()
  .regex(LABEL, "must be a DNS label: a-z, 0-9 and - only, 63 characters at most");
export const objectName = z.string().max(253).regex(SUBDOMAIN, "must be a DNS name: a-z, 0-9, - and . only");
export const seconds = z.int().min(1).max(604_800);
export const count = z.int().min(0).max(1_000);
/** One of the runner's numbers, with its bounds and its default. */
export const upTo = (number: { readonly default: number; readonly most: number }) =>
  z.int().min(1).max(number.most).default(number.default);
export const quantity = z.string().regex(QUANTITY, "must be a quantity, e.g. 250m, 128Mi");
export const digest = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, "must be sha256: and 64 hex digits, as the registry shows it");
export const cidr = z.union([z.cidrv4(), z.cidrv6()], "must be a CIDR block, e.g. 10.0.0.0/16");
export const url = z.url({ protocol: /^https?$/, error: "must be an http or https URL" });
/** In any usual spelling; not only Latin letters: the exchange lists names in Chinese. */
export const symbol = z
  .string()
  .regex(/^[\p{L}\p{N}/_-]{2,40}$/u, "must be a symbol, e.g. BTCUSDT or btc/usdt");
export const pullPolicy = z.enum(["IfNotPresent", "Always", "Never"]);

/** Processor and memory of a container. The processor has no limit: a throttled minute job would miss its minute. */
export const resources = z.strictObject({
  cpuRequest: quantity,
  memoryRequest: quantity,
  memoryLimit: quantity,
  temporarySpace: quantity,
});
export type Resources = z.infer<typeof resources>;

/** What of a job an environment may change; everything that it leaves out stays as `jobs.ts` has it. */
export const jobOverride = z.strictObject({
  enabled: z.boolean().exactOptional().describe("False: the job is not made at all."),
  schedule: z.string().exactOptional().describe("Cron expression of five fields, UTC."),
  suspend: z.boolean().exactOptional().describe("True: the CronJob is there and starts nothing."),
  concurrencyPolicy: z
    .enum(["Forbid", "Allow", "Replace"])
    .exactOptional()
    .describe("What happens when the last run still goes on; default Forbid."),
  startingDeadlineSeconds: seconds
    .exactOptional()
    .describe("How late a start may be; a later one is left out."),
  activeDeadlineSeconds: seconds
    .exactOptional()
    .describe("The Job is ended after this, start and waits included."),
  /** 0, none at all, is for checkJobs to refuse, which can say why. */
  deadlineSeconds: z
    .int()
    .min(0)
    .max(604_800)
    .exactOptional()
    .describe("The command's own deadline; default: what start and grace leave of activeDeadlineSeconds."),
  terminationGracePeriodSeconds: seconds.exactOptional().describe("From SIGTERM to SIGKILL."),
  backoffLimit: count.exactOptional().describe("How often a failed pod is tried again."),
  successfulJobsHistoryLimit: count.exactOptional().describe("As the setting of this name, for one job."),
  failedJobsHistoryLimit: count.exactOptional().describe("As the setting of this name, for one job."),
  ttlSecondsAfterFinished: seconds.exactOptional().describe("As the setting of this name, for one job."),
  waitDb: z.boolean().exactOptional().describe("Whether an init container waits for the database."),
  shards: z.int().min(1).max(100).exactOptional().describe("Pods of an Indexed Job that share the series."),
  runMode: z
    .enum(["cronjob", "deployment"])
    .exactOptional()
    .describe("deployment: one pod that repeats itself; the minute syncs alone."),
  image: z.string().exactOptional().describe("Whole image of this job, with digest; default: the runner."),
  imagePullPolicy: pullPolicy.exactOptional().describe("As the setting of this name, for one job."),
  resources: z
    .strictObject({
      cpuRequest: quantity.exactOptional(),
      memoryRequest: quantity.exactOptional(),
      memoryLimit: quantity.exactOptional(),
      temporarySpace: quantity.exactOptional(),
    })
    .exactOptional()
    .describe("{cpuRequest, memoryRequest, memoryLimit, temporarySpace}, each as the setting of its name."),
});
export type JobOverride = z.infer<typeof jobOverride>;
