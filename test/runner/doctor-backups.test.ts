import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { Check } from "../../runner/src/doctor/check.ts";
import { keysCheck } from "../../runner/src/doctor/keys.ts";
import { storesCheck } from "../../runner/src/doctor/stores.ts";
import { STORE_SETTINGS } from "../../runner/src/settings/backup.ts";
import { parseSettings } from "../../runner/src/settings/parse.ts";
import { newKey } from "../support/backup/object.ts";
import { temporaryFolder } from "../support/folder.ts";

type Env = Readonly<Record<string, string>>;
const look = (check: Check) => check.look(new AbortController().signal);

describe("the check stores", () => {
  const stores = (env: Env) => look(storesCheck(parseSettings(env, STORE_SETTINGS)));
  let hot: string;
  beforeAll(() => {
    hot = join(temporaryFolder(), "hot");
    mkdirSync(join(hot, "manifests"), { recursive: true });
  });

  test("is skipped where no tier is set, and where a setting is wrong", async () => {
    expect(await stores({})).toMatchObject({ status: "skip", output: "no tier of backups is set" });
    expect(await look(storesCheck(null))).toMatchObject({
      status: "skip",
      output: "needs settings, see there",
    });
  });

  test("lists each tier, and says whether it has backups", async () => {
    expect(await stores({ BACKUP_HOT: `file://${hot}` })).toMatchObject({
      status: "pass",
      output: `hot (file://${hot}) can be listed and has no backup yet`,
    });
    const name = `20260131t120000z-daily-${"a".repeat(64)}.json`;
    writeFileSync(join(hot, "manifests", name), "{}");
    expect(await stores({ BACKUP_HOT: `file://${hot}` })).toMatchObject({
      status: "pass",
      output: `hot (file://${hot}) can be listed and has backups`,
    });
  });

  test("names the tier that cannot be listed beside those that can", async () => {
    const found = await stores({ BACKUP_HOT: `file://${hot}`, BACKUP_COLD: `file://${hot}-away` });
    expect(found).toMatchObject({
      status: "fail",
      output: expect.stringMatching(/^hot .* can be listed.*; cold .*: the folder does not exist/),
      remedy: expect.stringContaining("backup check"),
    });
  });

  test("names two tiers in one place", async () => {
    expect(await stores({ BACKUP_HOT: `file://${hot}`, BACKUP_WARM: `file://${hot}` })).toMatchObject({
      status: "fail",
      output: expect.stringContaining("BACKUP_WARM is the same place as BACKUP_HOT"),
    });
  });
});

describe("the check keys", () => {
  const keys = (env: Env) => look(keysCheck(env));
  let online: Awaited<ReturnType<typeof newKey>>;
  let offline: Awaited<ReturnType<typeof newKey>>;
  beforeAll(async () => {
    [online, offline] = [await newKey(), await newKey()];
  });
  const both = () => `${online.recipient},${offline.recipient}`;

  test("is skipped where no key is set, and where the check settings names the fault", async () => {
    expect(await keys({})).toMatchObject({ status: "skip", output: "no key of backups is set" });
    for (const env of [{ BACKUP_RECIPIENTS: "x" }, { BACKUP_IDENTITY_FILE: "/nowhere/key" }])
      expect(await keys(env)).toMatchObject({ status: "skip", output: "needs settings, see there" });
  });

  test("passes where the identity opens what is encrypted, and says what is there", async () => {
    expect(await keys({ BACKUP_RECIPIENTS: both() })).toMatchObject({
      status: "pass",
      output: "backups are encrypted to 2 public keys; no secret key is set, so none was tried",
    });
    expect(await keys({ BACKUP_RECIPIENTS: both(), BACKUP_IDENTITY: offline.identity })).toMatchObject({
      status: "pass",
      output: expect.stringMatching(
        /^backups are encrypted to 2 public keys; 1 secret key can be read\. .*; whether older backups can, a restore shows/,
      ),
    });
    expect(await keys({ BACKUP_IDENTITY: online.identity })).toMatchObject({ status: "pass" });
  });

  test("fails where the identity opens nothing, warns of a single key, and shows no secret", async () => {
    const wrong = await keys({ BACKUP_RECIPIENTS: offline.recipient, BACKUP_IDENTITY: online.identity });
    expect(wrong).toMatchObject({ status: "fail", output: expect.stringContaining("opens none of them") });
    expect(JSON.stringify(wrong)).not.toContain(online.identity.slice(0, 25));
    expect(await keys({ BACKUP_RECIPIENTS: online.recipient })).toMatchObject({ status: "warn" });
  });

  test("warns of a file that others can read", async () => {
    const path = join(temporaryFolder(), "key.txt");
    writeFileSync(path, `${online.identity}\n`, { mode: 0o600 });
    const env = { BACKUP_RECIPIENTS: both(), BACKUP_IDENTITY_FILE: path };
    expect(await keys(env)).toMatchObject({ status: "pass" });
    chmodSync(path, 0o644);
    expect(await keys(env)).toMatchObject({
      status: "warn",
      output: expect.stringContaining(`every user of this machine can read the secret key in ${path}`),
      remedy: expect.stringContaining(`chmod 600 ${path}`),
    });
  });
});
