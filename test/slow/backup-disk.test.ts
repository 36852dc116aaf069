import { chownSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { openFolderStore } from "../../runner/src/store/folder-store.ts";
import { addMinutes, makeLeaf } from "../support/backup/parts.ts";
import { readManifests } from "../support/backup/restored.ts";
import { useBackups } from "../support/backup/runs.ts";
import { expectExit } from "../support/candle/series.ts";
import { useQuietServer } from "../support/database/quiet-server.ts";
import { temporaryFolder } from "../support/folder.ts";
import { expectResult } from "../support/result-json.ts";
import { runRunner } from "../support/runner.ts";
import { mountSmallDisk, NO_DISKS } from "../support/small-disk.ts";

const disk = mountSmallDisk(64);

describe.skipIf(disk === null)(`a full disk ${disk === null ? NO_DISKS : ""}`, () => {
  if (disk === null) return;
  const database = useQuietServer();
  const backups = useBackups(database);
  const leaf = leafAt("1m", Date.now());
  const time = (minute: number) => new Date(leaf.span.from + minute * 60_000).toISOString();
  let minutes = 0;
  let [small, large] = ["", ""];

  const addRows = async () => {
    await database.query(addMinutes, [1, time(minutes), 500]);
    minutes += 500;
  };
  /** The settings of a run with two tiers; the spool is on the large disk. */
  const env = (more: Readonly<Record<string, string>>) => ({
    DB_URL: database.url,
    BACKUP_SPOOL: join(large, "spool"),
    BACKUP_RECIPIENTS: backups.recipient,
    BACKUP_IDENTITY: backups.identity,
    ...more,
  });
  const backUp = async (exit: number, more: Readonly<Record<string, string>>) => {
    const ended = await runRunner(["backup", "--json"], env(more));
    expectExit(ended, exit);
    return ended;
  };
  const storeAt = (folder: string) => openFolderStore(folder, { tier: "hot", report: () => {} });
  const listTemporary = (folder: string) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".tmp"));

  beforeAll(async () => {
    await makeLeaf(database, "1m", time(0));
  });
  beforeEach(async () => {
    large = temporaryFolder();
    small = join(disk.folder, `${minutes}`);
    for (const path of [small, join(large, "spool"), join(large, "warm")]) mkdirSync(path);
    await addRows();
  });

  test("of hot: the other tier goes on, hot keeps its older backup, and gets what it lacks once there is room", async () => {
    const tiers = { BACKUP_HOT: `file://${small}`, BACKUP_WARM: `file://${large}/warm` };
    await backUp(0, tiers);
    const truth = await backups.stored();
    await addRows();
    disk.fill(8_192);
    const result = expectResult(await backUp(1, tiers));
    expect(result).toMatchObject({ tiers: [{ tier: "hot", manifest: null }, { fault: null }] });
    expect(JSON.stringify(result)).toMatch(/ENOSPC[^"]*; make room there, or give the tier a larger disk/);
    expect(await backups.restored(storeAt(small))).toEqual(truth);
    expect(await backups.restored(storeAt(join(large, "warm")))).toEqual(await backups.stored());
    expect(listTemporary(small)).toEqual([]);
    disk.makeRoom();
    await backUp(0, tiers);
    expect(await backups.restored(storeAt(small))).toEqual(await backups.stored());
  }, 120_000);

  test("of every tier: exit 75 with the tier by name, and nothing half is believed", async () => {
    disk.fill(8_192);
    const { stderr } = await backUp(75, { BACKUP_HOT: `file://${small}` });
    expect(stderr).toContain(`hot (file://${small}`);
    expect(stderr).toContain("make room there");
    expect(await readManifests(storeAt(small))).toEqual([]);
    disk.makeRoom();
    await backUp(0, { BACKUP_HOT: `file://${small}` });
    expect(await backups.restored(storeAt(small))).toEqual(await backups.stored());
  }, 120_000);

  test("of the spool: exit 75 with the folder by name, whether rows are sealed or an object is copied to a tier", async () => {
    const spool = { BACKUP_SPOOL: small };
    const hot = { BACKUP_HOT: `file://${join(large, "warm")}` };
    disk.fill(4_096);
    expect((await backUp(75, { ...spool, ...hot })).stderr).toContain(`the spool ${small} is full`);
    expect(readdirSync(small)).toEqual([]);
    disk.makeRoom();
    await backUp(0, { ...spool, ...hot });
    // warm lacks everything: the objects come from hot by the spool
    mkdirSync(join(large, "cold"));
    disk.fill(4_096);
    const both = { ...hot, BACKUP_WARM: `file://${join(large, "cold")}` };
    expect((await backUp(75, { ...spool, ...both })).stderr).toContain(`the spool ${small} is full`);
    expect(readdirSync(small)).toEqual([]);
    disk.makeRoom();
    await backUp(0, { ...spool, ...both });
    expect(await backups.restored(storeAt(join(large, "cold")))).toEqual(await backups.stored());
  }, 120_000);

  test("of the database that is restored into: exit 75, and the next run goes on", async () => {
    await backUp(0, { BACKUP_HOT: `file://${join(large, "warm")}` });
    const space = join(disk.folder, "space");
    mkdirSync(space);
    const { uid, gid } = statSync(database.place.dataDir);
    chownSync(space, uid, gid);
    await database.query(`create tablespace small location '${space}'`);
    await database.query("create database scratch tablespace small");
    disk.fill(1_000_000);
    const args = ["restore", "--all", "--to", database.urlOf("scratch")];
    const settings = env({ BACKUP_HOT: `file://${join(large, "warm")}` });
    const full = await runRunner(args, settings);
    expect([full.code, full.stderr]).toEqual([
      75,
      expect.stringContaining("the disk of the database server is full"),
    ]);
    disk.makeRoom();
    expectExit(await runRunner(args, settings), 0);
    await database.query("drop database scratch");
    await database.query("drop tablespace small");
  }, 120_000);
});
