import { ENVIRONMENT, LOG_LEVELS } from "@r3a/runner/contract/environment";
import { INTERVALS } from "@r3a/runner/contract/intervals";
import { FALLBACK_START_GRACE_MS } from "@r3a/runner/contract/limits";
import { z } from "zod";
import { DATABASE_SETTINGS } from "./database-fields.ts";
import {
  cidr,
  count,
  digest,
  jobOverride,
  label,
  objectName,
  optionalName,
  pullPolicy,
  quantity,
  seconds,
  symbol,
  upTo,
  url,
} from "./fields.ts";
import { JANITOR_SETTINGS } from "./janitor-fields.ts";
import { UNRELEASED } from "./unreleased.ts";

/** Project and namespace of all keys: Pulumi takes typed keys of the project's own namespace only. */
export const PROJECT = "r3a";

/**
 * Every setting of an environment, its type, default and meaning: the keys of `Pulumi.yaml` and `Pulumi.<stack>.yaml`
 * under the project's name. `npm run docs` writes both `Pulumi.yaml` and docs/settings.md from here.
 */
export const SETTINGS = z.strictObject({
  namespace: label.default("r3a").describe("Namespace of all objects, never kube-*."),
  createNamespace: z
    .boolean()
    .default(true)
    .describe("Whether this program makes the namespace, which then enforces Pod Security `restricted`."),
  image: z
    .string()
    .min(1)
    .default("ghcr.io/triplora/r3a-runner")
    .describe("Image repository of the runner, without tag or digest."),
  imageDigest: z
    .union([digest, z.literal("")])
    .default("")
    .describe(`Digest of the image, e.g. ${UNRELEASED.slice(0, 15)}...; all zeros: not released yet.`),
  imageTag: z
    .string()
    .regex(/^[\w][\w.-]{0,127}$|^$/, "must be an image tag")
    .default("")
    .describe("Tag instead of a digest; refused where `requireDigest` is set."),
  requireDigest: z.boolean().default(true).describe("Whether images must be pinned by digest."),
  imagePullPolicy: pullPolicy
    .default("IfNotPresent")
    .describe(
      "Pull policy. With a digest, Always has no use: each start of a pod would only ask the registry.",
    ),
  pullSecretName: optionalName
    .default("r3a-regcred")
    .describe("Secret with the registry's credentials; empty: none."),
  serviceAccountCreate: z
    .boolean()
    .default(true)
    .describe("Whether this program makes the ServiceAccount of the jobs."),
  serviceAccountName: objectName
    .default("r3a-sync-sa")
    .describe("ServiceAccount of the jobs, without rights and without a token."),
  secretsMode: z
    .enum(["existing", "pulumi", "externalSecret"])
    .default("existing")
    .describe(
      "Who makes the secrets: someone else, `pulumi up` from its encrypted settings, or the External Secrets Operator.",
    ),
  ...DATABASE_SETTINGS,
  exchangeSecretName: optionalName
    .default("")
    .describe("Secret with BINANCE_API_KEY and BINANCE_API_SECRET; empty: none, public data needs none."),
  externalSecretStore: objectName.default("r3a").describe("Store that the ExternalSecrets read from."),
  externalSecretStoreKind: z
    .enum(["SecretStore", "ClusterSecretStore"])
    .default("SecretStore")
    .describe("Kind of the store that the ExternalSecrets read from."),
  externalSecretRefresh: z
    .string()
    .regex(/^\d+[smh]$/, "must be a duration, e.g. 1h")
    .default("1h")
    .describe("How often the operator reads the store again."),
  registryServer: z
    .string()
    .regex(
      /^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._/-]*)?$|^$/i,
      "must be a host, e.g. ghcr.io, without https:// and user",
    )
    .default("ghcr.io")
    .describe("Registry of the pull credentials (secretsMode pulumi)."),
  registryUser: z
    .string()
    .regex(/^[^\s:/]*$/, "must be a user's name, without a colon and a password")
    .default("")
    .describe("User of the pull credentials (secretsMode pulumi)."),
  configMapName: objectName.default("r3a-sync-config").describe("ConfigMap with the runner's environment."),
  autoPeriod: z
    .boolean()
    .default(ENVIRONMENT.AUTO_PERIOD.default)
    .describe("AUTO_PERIOD: whether sync continues after the newest candle."),
  syncIntervals: z
    .array(z.enum(INTERVALS))
    .min(1)
    .default([...INTERVALS])
    .describe("SYNC_INTERVALS: the intervals that sync fetches."),
  fallbackStart: z.iso
    .date("must be a date, YYYY-MM-DD")
    .refine(
      // the runner refuses such a date too, and then each sync of the environment ends with 78
      (date) => !(Date.parse(date) > Date.now() + FALLBACK_START_GRACE_MS),
      "must not lie in the future: nothing would be stored",
    )
    .default(ENVIRONMENT.FALLBACK_START.default)
    .describe("FALLBACK_START: where a new series starts."),
  exchangeUrl: url
    .default(ENVIRONMENT.EXCHANGE_URL.default)
    .describe("EXCHANGE_URL: base of the exchange's REST API."),
  symbols: z.array(symbol).default([]).describe("SYMBOLS: these symbols instead of the largest by volume."),
  universeSize: upTo(ENVIRONMENT.UNIVERSE_SIZE).describe("UNIVERSE_SIZE: how many of the largest symbols."),
  weightLimit: z
    .number()
    .gt(0)
    .max(1)
    .default(ENVIRONMENT.WEIGHT_LIMIT.default)
    .describe("WEIGHT_LIMIT: share of the exchange's 6,000 weight a minute."),
  egressKey: label
    .default(ENVIRONMENT.EGRESS_KEY.default)
    .describe("EGRESS_KEY: jobs behind one address share this key and so one budget of weight."),
  maintMaxOps: upTo(ENVIRONMENT.MAINT_MAX_OPS).describe("MAINT_MAX_OPS: operations of one maint run."),
  logLevel: z
    .enum(LOG_LEVELS)
    .default(ENVIRONMENT.LOG_LEVEL.default)
    .describe("LOG_LEVEL: the lowest level of the lines in the log."),
  waitDb: z
    .boolean()
    .default(true)
    .describe(
      "Whether pods have an init container `wait-db`; a minute job has none and waits in its command.",
    ),
  waitDbImage: z.string().default("").describe("Image of wait-db; empty: the runner's."),
  cpuRequest: quantity.default("50m").describe("Processor request of a container."),
  memoryRequest: quantity.default("96Mi").describe("Memory request of a container."),
  memoryLimit: quantity
    .default("160Mi")
    .describe("Memory limit of a container: the runner's peak is below 128 MB."),
  temporarySpace: quantity
    .default("64Mi")
    .describe("Size of /tmp, the only place that a container can write to."),
  successfulJobsHistoryLimit: count
    .default(1)
    .describe("Number of finished Jobs that are kept for each CronJob."),
  failedJobsHistoryLimit: count.default(2).describe("Number of failed Jobs that are kept for each CronJob."),
  ttlSecondsAfterFinished: z
    .union([seconds, z.literal(0)])
    .default(0)
    .describe(
      "Finished Jobs are deleted after so many seconds, failed Jobs with their logs too; 0: only the history limits delete Jobs.",
    ),
  suspendAll: z.boolean().default(false).describe("Suspends every CronJob: nothing starts."),
  jobs: z
    .record(z.string(), jobOverride)
    .default({})
    .describe("Changes of single jobs in this environment: {sync-1m: {schedule: ...}}."),
  priorityClassName: optionalName
    .default("")
    .describe("PriorityClass of the pods; empty: the cluster's default."),
  networkPolicy: z
    .boolean()
    .default(true)
    .describe(
      "Whether each pod may reach only what its job needs: the database, the exchange, the API server, DNS.",
    ),
  databaseCidr: cidr.default("10.0.0.0/8").describe("Block of addresses of the database."),
  databasePort: z.int().min(1).max(65_535).default(5432).describe("Port of the database."),
  apiServerCidr: cidr
    .default("0.0.0.0/0")
    .describe(
      "Block of addresses of the Kubernetes API server, which only the janitor may reach. `npm run check` warns while the block is as wide as 0.0.0.0/0.",
    ),
  exchangeCidr: cidr
    .default("0.0.0.0/0")
    .describe("Block of addresses of the exchange. From 0.0.0.0/0 and ::/0 the private ranges are left out."),
  ...JANITOR_SETTINGS,
  refreshLookback: z
    .string()
    .regex(/^[1-9]\d{0,5} (second|minute|hour|day)s?$/, "must be e.g. 3 days")
    .default(ENVIRONMENT.REFRESH_LOOKBACK.default)
    .describe("REFRESH_LOOKBACK: how far refresh-lastts looks back."),
  vacuumAnalyzeOnly: z
    .boolean()
    .default(ENVIRONMENT.VACUUM_ANALYZE_ONLY.default)
    .describe("VACUUM_ANALYZE_ONLY: whether vacuum only analyses."),
  databaseSizeBudgetGb: z
    .int()
    .min(0)
    .max(ENVIRONMENT.DB_SIZE_BUDGET_GB.most)
    .default(0)
    .describe("DB_SIZE_BUDGET_GB: size that the database may reach; 0: not checked."),
  kubeContext: z
    .string()
    .default("")
    .describe("Context of the kubeconfig that `pulumi up` uses; empty: the current one."),
  protect: z
    .boolean()
    .default(false)
    .describe("Whether Pulumi refuses to delete the namespace and its secrets."),
  adopt: z
    .array(z.string())
    .default([])
    .describe(
      "Existing objects that `pulumi up` imports: Namespace, ServiceAccount, ConfigMap, as Kind/name or Kind/*; see the deploy guide.",
    ),
});

/** All settings of one environment, defaults filled in. */
export type Settings = z.infer<typeof SETTINGS>;
export type SettingName = keyof Settings;

/** The value of every setting that no file sets. */
export const DEFAULTS: Settings = SETTINGS.parse({});

export function isSetting(name: string): name is SettingName {
  return Object.hasOwn(DEFAULTS, name);
}
