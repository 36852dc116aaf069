import { expect, test } from "vitest";
import { listOutputs } from "../../infra/model/outputs.ts";
import { renderObjects } from "../../infra/render.ts";
import { DEFAULTS, type Settings } from "../../infra/settings/schema.ts";

const outputsOf = (changes: Partial<Settings> = {}) => {
  const settings: Settings = { ...DEFAULTS, imageTag: "dev", ...changes };
  return listOutputs(settings, renderObjects(settings));
};

test("every CronJob has its schedule, or the word `suspended`", () => {
  const { schedules, names } = outputsOf({
    jobs: { gaps: { suspend: true }, "sync-1m": { runMode: "deployment" } },
  });
  expect(schedules).toMatchObject({ "r3a-sync-15m": "*/15 * * * *", "r3a-gaps": "suspended" });
  const cronJobs = names.filter((name) => name.startsWith("CronJob/"));
  expect(Object.keys(schedules).map((name) => `CronJob/${name}`)).toEqual(cronJobs);
  expect(names).toContain("Deployment/r3a-sync-1m");
});

test("the images are all images that the cluster pulls, each once", () => {
  const other = "example.org/other@sha256:abc";
  const { images } = outputsOf({ image: "example.org/runner", jobs: { gaps: { image: other } } });
  expect(images).toEqual([other, "example.org/runner:dev"]);
});

test("the required secrets are names and keys", () => {
  expect(
    outputsOf({ exchangeSecretName: "r3a-binance" }).requiredSecrets.map(({ name, keys }) => [name, keys]),
  ).toEqual([
    ["r3a-db", ["DB_URL"]],
    ["r3a-binance", ["BINANCE_API_KEY", "BINANCE_API_SECRET"]],
    ["r3a-regcred", [".dockerconfigjson"]],
  ]);
});

test("the hash of the settings changes with any of them, nested ones too, and not with the order of keys", () => {
  const hashes = [
    outputsOf(),
    outputsOf({ universeSize: 61 }),
    outputsOf({ jobs: { gaps: { backoffLimit: 1 } } }),
    outputsOf({ jobs: { gaps: { backoffLimit: 2 } } }),
  ].map(({ settingsHash }) => settingsHash);
  expect(new Set(hashes).size).toBe(hashes.length);
  expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/);

  const settings: Settings = { ...DEFAULTS, imageTag: "dev" };
  const turned = Object.fromEntries(Object.entries(settings).reverse()) as Settings;
  expect(listOutputs(turned, []).settingsHash).toBe(hashes[0]);
});
