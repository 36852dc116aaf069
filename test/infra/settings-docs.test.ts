import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { HELM_VALUES } from "../../dev/docs/helm-values.ts";
import { jobOverride } from "../../infra/settings/fields.ts";
import { DEFAULTS } from "../../infra/settings/schema.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

describe("what `npm run docs` writes", () => {
  test("declares every setting with type, default and meaning, and no secret", async () => {
    const { name, config, options } = parse(await readFile(`${ROOT}Pulumi.yaml`, "utf8"));
    expect(name).toBe("r3a");
    // so that one `up` puts right what was changed by hand
    expect(options).toEqual({ refresh: "always" });
    const own = Object.keys(config).filter((key) => key.startsWith("r3a:"));
    expect(own).toEqual(Object.keys(DEFAULTS).map((key) => `r3a:${key}`));
    for (const key of own) expect(config[key].description).toMatch(/\S/);
    const untyped = own.filter((key) => config[key].type === undefined);
    expect(untyped).toEqual(["r3a:weightLimit", "r3a:jobs"]);
  });

  test("says of every field of a job what it means", () => {
    for (const [name, field] of Object.entries(jobOverride.shape))
      expect([name, field.description]).toEqual([name, expect.stringMatching(/\S/)]);
  });

  test("has a place for every value of the two charts", () => {
    const timing =
      "concurrencyPolicy successfulJobsHistoryLimit failedJobsHistoryLimit startingDeadlineSeconds backoffLimit activeDeadlineSeconds ttlSecondsAfterFinished suspend".split(
        " ",
      );
    const common =
      "image.repository image.tag image.pullPolicy serviceAccount.create serviceAccount.name secretRefs.db waitDb.enabled waitDb.image".split(
        " ",
      );
    const job = (prefix: string) => ["enabled", "schedule", ...timing].map((field) => `${prefix}.${field}`);
    const values = {
      "r3a-sync": [
        ...common,
        "secretRefs.binance",
        "configMapRefs.sync",
        ...timing.map((field) => `job.${field}`),
        ...["m1Top", "m1", "m15", "h1", "d1"].map((key) => `schedules.${key}`),
      ],
      "r3a-maint": [
        ...common,
        "imagePullSecrets[0].name",
        "schedule",
        ...timing,
        ...["janitor", "refreshLastTs", "vacuumHot"].flatMap(job),
        ...["image", "imagePullPolicy", "targetNamespace", "deleteAfterSeconds", "protectedSelectors"].map(
          (key) => `janitor.${key}`,
        ),
        "refreshLastTs.lookback",
        "vacuumHot.analyzeOnly",
        "env.MAINT_MAX_OPS",
      ],
    };
    for (const [chart, names] of Object.entries(values)) {
      const mapped = HELM_VALUES.filter((value) => value.chart === chart).map(({ name }) => name);
      expect([...mapped].sort()).toEqual([...names].sort());
    }
    const fields = Object.keys(jobOverride.shape);
    for (const { setting, field } of HELM_VALUES)
      expect(setting === undefined ? fields : Object.keys(DEFAULTS)).toContain(setting ?? field);
  });
});
