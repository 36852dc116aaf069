import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { TIER_PROMISES, TIERS } from "../../runner/src/contract/tiers.ts";
import { SettingsFault } from "../../runner/src/errors.ts";
import { STORE_SETTINGS } from "../../runner/src/settings/backup.ts";
import { parseSettings } from "../../runner/src/settings/parse.ts";
import { openStores } from "../../runner/src/store/open-store.ts";
import { readProfile } from "../../runner/src/store/s3-profile.ts";
import { temporaryFolder } from "../support/folder.ts";
import { faultsOf as faultsIn } from "../support/settings-faults.ts";

const faultsOf = (env: Readonly<Record<string, string>>) => faultsIn(env, STORE_SETTINGS);
const open = (env: Readonly<Record<string, string>>) =>
  openStores(parseSettings(env, STORE_SETTINGS), () => {});

test("without an address there is no store, and nothing to correct", async () => {
  expect(await open({})).toEqual([]);
});

test("each address is read, and the stores come the nearest first", async () => {
  const stores = await open({
    BACKUP_COLD: "file:///mnt/cold//r3a/",
    BACKUP_HOT: "file:///mnt/a%20b",
  });
  expect(stores.map(({ tier, address }) => `${tier} ${address}`)).toEqual([
    "hot file:///mnt/a b",
    "cold file:///mnt/cold/r3a",
  ]);
  const env = { BACKUP_WARM: "s3://team-backup/r3a/Prod/", BACKUP_S3_STORAGE_CLASS: "STANDARD_IA" };
  expect(parseSettings(env, STORE_SETTINGS)).toMatchObject({
    backupHot: null,
    backupWarm: { kind: "s3", bucket: "team-backup", prefix: "r3a/Prod" },
    backupS3PathStyle: false,
    backupS3StorageClass: "STANDARD_IA",
  });
});

test.each([
  ["/mnt/backup", /must be file:\/\/\/FOLDER or s3:\/\/BUCKET\/PREFIX, not "\/mnt\/backup"/],
  ["file://mnt/backup", /an absolute path with three slashes/],
  ["file:/mnt", /an absolute path with three slashes/],
  ["file:///", /not the root of the file system/],
  ["file:///a%2Fb", /written as %25/],
  ["file:///a%0Ab", /without control characters/],
  ["s3://", /must name a bucket/],
  ["s3://Team", /must name a bucket/],
  ["s3://a..b/x", /must name a bucket/],
  ["s3:bucket/x", /must name a bucket/],
  ["s3://team/a//b", /a prefix of letters/],
  ["s3://team/../b", /a prefix of letters/],
  ["s3://team/.hidden", /a prefix of letters/],
  ["https://team.s3.amazonaws.com/r3a", /must be file:\/\/\/FOLDER or s3:/],
])("%s is no address", (address, words) => {
  const faults = faultsOf({ BACKUP_WARM: address });
  expect(faults).toHaveLength(1);
  expect(faults[0]).toMatch(/^BACKUP_WARM /);
  expect(faults[0]).toMatch(words);
});

test.each([
  "s3://AKIA4711:canary-4711@team/r3a",
  "s3://team/r3a?secret=canary-4711",
  "file:///mnt#canary-4711",
])("what can be a secret in %s is refused and not repeated", (address) => {
  const [fault] = faultsOf({ BACKUP_HOT: address });
  expect(fault).toMatch(/^BACKUP_HOT must be .* \(its value is not shown\)/);
  expect(fault).not.toContain("4711");
});

test.each([
  [
    { BACKUP_HOT: "file:///mnt/r3a", BACKUP_WARM: "file:///mnt/./r3a/" },
    "BACKUP_WARM is the same place as BACKUP_HOT",
  ],
  [{ BACKUP_HOT: "file:///mnt", BACKUP_COLD: "file:///mnt/r3a" }, "BACKUP_COLD lies inside BACKUP_HOT"],
  [
    { BACKUP_WARM: "s3://team/r3a/warm", BACKUP_COLD: "s3://team/r3a" },
    "BACKUP_WARM lies inside BACKUP_COLD",
  ],
  [{ BACKUP_WARM: "s3://team/x", BACKUP_COLD: "s3://team" }, "BACKUP_WARM lies inside BACKUP_COLD"],
])("two tiers of one place are refused: %j", async (env, words) => {
  const fault = await open(env).catch((error: unknown) => error);
  expect(fault).toBeInstanceOf(SettingsFault);
  expect(String(fault)).toContain(words);
});

test("tiers whose names begin alike are two places", async () => {
  expect(await open({ BACKUP_HOT: "file:///mnt/r3a", BACKUP_WARM: "file:///mnt/r3a-warm" })).toHaveLength(2);
});

test("two paths that lead to one folder are one place", async () => {
  const folder = temporaryFolder();
  const link = join(temporaryFolder(), "link");
  symlinkSync(folder, link);
  const env = { BACKUP_HOT: `file://${folder}`, BACKUP_WARM: `file://${link}` };
  await expect(open(env)).rejects.toThrow("BACKUP_WARM is the same place as BACKUP_HOT");
});

test.each([
  ["BACKUP_S3_STORAGE_CLASS", "GLACIER", /must be one of STANDARD, /],
  ["BACKUP_S3_PATH_STYLE", "maybe", /must be true or false/],
])("%s=%s is refused", (name, value, words) => {
  expect(faultsOf({ [name]: value })[0]).toMatch(words);
});

test.each([
  [
    "AWS_ENDPOINT_URL_S3",
    "http://minio.example:9000",
    /_S3 must begin with https, since minio.example:9000 is not/,
  ],
  ["AWS_ENDPOINT_URL", "http://127.evil.example", /URL must begin with https/],
  ["AWS_ENDPOINT_URL", "https://key:canary-4711@s3.example", /without credentials.*its value is not shown/],
  ["AWS_ENDPOINT_URL_S3", "s3.example", /must be an https URL/],
])(
  "%s=%s is refused where a tier is in S3, and is nothing to a tier in a folder",
  async (name, value, words) => {
    const fault = await open({ BACKUP_COLD: "s3://team/r3a", [name]: value }).catch(
      (error: unknown) => error,
    );
    expect(fault).toBeInstanceOf(SettingsFault);
    expect(String(fault)).toMatch(words);
    expect(String(fault)).not.toContain("canary");
    expect(await open({ BACKUP_COLD: "file:///mnt/r3a", [name]: value })).toHaveLength(1);
  },
);

test("the endpoint for S3 wins, and that of other services is not judged then", async () => {
  const env = { AWS_ENDPOINT_URL: "http://localstack:4566", AWS_ENDPOINT_URL_S3: "https://s3.example" };
  const [store] = await open({ BACKUP_COLD: "s3://team/r3a", ...env });
  expect(store?.address).toBe("s3://team/r3a");
  await store?.close();
});

test.each(["https://s3.example", "http://127.0.0.1:9000", "http://localhost:9000/", "http://[::1]:9000"])(
  "%s can be an endpoint",
  async (value) => {
    const stores = await open({ BACKUP_COLD: "s3://team/r3a", AWS_ENDPOINT_URL_S3: value });
    for (const store of stores) await store.close();
    expect(stores).toHaveLength(1);
  },
);

test("a tier that is farther away promises no more than the one before it", () => {
  expect(TIERS.map((tier) => TIER_PROMISES[tier].rtoMinutes)).toEqual([5, 30, 90]);
  const ages = TIERS.map((tier) => TIER_PROMISES[tier].rpoMinutes);
  expect(ages).toEqual(ages.toSorted((a, b) => a - b));
});

test("a profile gives region and endpoint, and is named where it is not there or has no use", async () => {
  const path = join(temporaryFolder(), "config");
  writeFileSync(
    path,
    "# of the team\n[default]\nregion = eu-1\n\n[profile far]\r\nregion=us-2\r\ns3 =\n  endpoint_url = https://no\nendpoint_url = https://far.example\n[profile bare]\n",
  );
  expect(await readProfile("far", path)).toEqual({
    ...{ name: "far", region: "us-2", endpoint: "https://far.example" },
  });
  expect(await readProfile("default", path)).toMatchObject({ region: "eu-1", endpoint: null });
  expect(await readProfile("bare", path)).toEqual({ name: "bare", region: null, endpoint: null });
  await expect(readProfile("fa", path)).rejects.toThrow(
    `${path} has no profile fa: add the section [profile fa]`,
  );
  await expect(readProfile("far", `${path}-away`)).rejects.toThrow(
    /cannot be read .*: name the file by AWS_CONFIG_FILE/,
  );
  await expect(open({ BACKUP_HOT: "file:///mnt/a", BACKUP_HOT_PROFILE: "far" })).rejects.toThrow(
    "BACKUP_HOT_PROFILE is set, and BACKUP_HOT names no place in S3",
  );
  expect(faultsOf({ BACKUP_WARM_PROFILE: "a b" })).toEqual([
    expect.stringMatching(/^BACKUP_WARM_PROFILE must be the name/),
  ]);
});
