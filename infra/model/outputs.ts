import { createHash } from "node:crypto";
import { kindAndName, type Manifest } from "../manifest.ts";
import type { Settings } from "../settings/schema.ts";
import type { RequiredSecret } from "./need.ts";
import { listRequiredSecrets } from "./required-secrets.ts";
import { resolveJobs } from "./resolve-jobs.ts";

/** The outputs of a stack: plain values, and no value of a secret. */
export type SuiteOutputs = {
  /** `Kind/name` of every object of the chart. */
  readonly names: readonly string[];
  /**
   * Cron expression (UTC) of each CronJob, or `suspended`. Start times are left out: they would change with each `up`.
   */
  readonly schedules: Readonly<Record<string, string>>;
  readonly images: readonly string[];
  readonly requiredSecrets: readonly Omit<RequiredSecret, "madeOf">[];
  /** A hash that changes when a setting changes, and never otherwise. */
  readonly settingsHash: string;
};

/** The outputs of an environment. */
export function listOutputs(settings: Settings, objects: readonly Manifest[]): SuiteOutputs {
  const jobs = resolveJobs(settings);
  const cronJobs = jobs.filter(({ runMode }) => runMode === "cronjob");
  return {
    names: objects.map(kindAndName),
    schedules: Object.fromEntries(
      cronJobs.map(({ objectName, schedule, suspend }) => [objectName, suspend ? "suspended" : schedule]),
    ),
    images: imagesOf(objects),
    requiredSecrets: listAllSecrets(settings),
    settingsHash: createHash("sha256").update(sortedJson(settings)).digest("hex"),
  };
}

/** All secrets. The one of the certificate authority is made by whoever runs the database, in every mode. */
function listAllSecrets(settings: Settings): SuiteOutputs["requiredSecrets"] {
  const { databaseCaSecret, databaseCaKey } = settings;
  const authority = { name: databaseCaSecret, type: "Opaque", keys: [databaseCaKey] } as const;
  return [
    ...listRequiredSecrets(settings).map(({ name, type, keys }) => ({ name, type, keys })),
    ...(databaseCaSecret === "" ? [] : [authority]),
  ];
}

/** Every value under a key `image`: the images that the cluster pulls, those of init containers too. */
function imagesOf(objects: readonly Manifest[]): readonly string[] {
  const images = new Set<string>();
  JSON.stringify(objects, (key, value: unknown) => {
    if (key === "image" && typeof value === "string") images.add(value);
    return value;
  });
  return [...images].sort();
}

/** JSON with sorted keys, so that the order of the keys in a settings file does not change the hash. */
function sortedJson(value: object): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    typeof each === "object" && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}
