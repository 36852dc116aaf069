import type { SettingName } from "../../infra/settings/schema.ts";

/** Where a value of the old charts went: a setting, or a field of one job, or of all jobs of the chart. */
export type HelmValue = {
  readonly chart: "r3a-sync" | "r3a-maint";
  readonly name: string;
  readonly setting?: SettingName;
  readonly job?: string;
  readonly field?: string;
};

const TIMING = [
  "concurrencyPolicy",
  "successfulJobsHistoryLimit",
  "failedJobsHistoryLimit",
  "startingDeadlineSeconds",
  "backoffLimit",
  "activeDeadlineSeconds",
  "ttlSecondsAfterFinished",
  "suspend",
];

const COMMON: readonly (readonly [string, SettingName])[] = [
  ["image.repository", "image"],
  ["image.tag", "imageTag"],
  ["image.pullPolicy", "imagePullPolicy"],
  ["serviceAccount.create", "serviceAccountCreate"],
  ["serviceAccount.name", "serviceAccountName"],
  ["secretRefs.db", "dbSecretName"],
  ["waitDb.enabled", "waitDb"],
  ["waitDb.image", "waitDbImage"],
];

const of = (chart: HelmValue["chart"], pairs: readonly (readonly [string, SettingName])[]): HelmValue[] =>
  pairs.map(([name, setting]) => ({ chart, name, setting }));

/** The charts' names of the fields of one job, under a prefix such as `janitor.`. */
function jobOf(prefix: string, job: string, fields: readonly string[]): HelmValue[] {
  return fields.map((field) => ({ chart: "r3a-maint", name: `${prefix}${field}`, job, field }));
}

const SYNC_SCHEDULES = { m1Top: "sync-1m-top", m1: "sync-1m", m15: "sync-15m", h1: "sync-1h", d1: "sync-1d" };

/** Every value of the two charts' values.prod.yaml, in its order. */
export const HELM_VALUES: readonly HelmValue[] = [
  ...of("r3a-sync", COMMON),
  ...of("r3a-sync", [
    ["secretRefs.binance", "exchangeSecretName"],
    ["configMapRefs.sync", "configMapName"],
  ]),
  ...TIMING.map((field) => ({ chart: "r3a-sync", name: `job.${field}`, field }) as const),
  ...Object.entries(SYNC_SCHEDULES).map(
    ([key, job]) => ({ chart: "r3a-sync", name: `schedules.${key}`, job, field: "schedule" }) as const,
  ),
  ...of("r3a-maint", COMMON),
  ...of("r3a-maint", [["imagePullSecrets[0].name", "pullSecretName"]]),
  ...jobOf("", "maint", ["schedule", ...TIMING]),
  ...jobOf("janitor.", "maint-janitor", ["enabled", "schedule", ...TIMING, "image", "imagePullPolicy"]),
  ...of("r3a-maint", [
    ["janitor.targetNamespace", "janitorTargetNamespace"],
    ["janitor.deleteAfterSeconds", "janitorDeleteAfterSeconds"],
    ["janitor.protectedSelectors", "janitorProtectedSelectors"],
  ]),
  ...jobOf("refreshLastTs.", "maint-refresh-lastts", ["enabled", "schedule", ...TIMING]),
  ...of("r3a-maint", [["refreshLastTs.lookback", "refreshLookback"]]),
  ...jobOf("vacuumHot.", "maint-vacuum-hot", ["enabled", "schedule", ...TIMING]),
  ...of("r3a-maint", [
    ["vacuumHot.analyzeOnly", "vacuumAnalyzeOnly"],
    ["env.MAINT_MAX_OPS", "maintMaxOps"],
  ]),
];
