import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, expect, test } from "vitest";
import type { BackupResult } from "../../runner/src/backup/backup-run.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import type { Store } from "../../runner/src/store/store.ts";
import { addMinutes, makeLeaf } from "../support/backup/parts.ts";
import { newestManifest, readManifests } from "../support/backup/restored.ts";
import { useBackups } from "../support/backup/runs.ts";
import { useDatabase } from "../support/database/database.ts";

const database = useDatabase();
const backups = useBackups(database);
const leaf = leafAt("1m", Date.now());
const time = (minute: number) => new Date(leaf.span.from + minute * 60_000).toISOString();
const add = (coin: number, from: number, count: number) =>
  database.query(addMinutes, [coin, time(from), count]);

beforeAll(async () => {
  await makeLeaf(database, "1m", time(0));
});

beforeEach(async () => {
  await database.query(`truncate r3a.ohlcv_partitioned, r3a.backup, r3a.backup_object, r3a.backup_copy, r3a.backup_use,
    r3a.backup_part, r3a.backup_leaf, r3a.backup_suspect, r3a.backup_doubt, r3a.backup_gap_series`);
});

/** A tier whose first object waits until the gate is opened: a store that is slow. */
function slowStore(store: Store) {
  const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const put: Store["put"] = async (...args) => {
    begun.resolve();
    await gate.promise;
    await store.put(...args);
  };
  return { store: { ...store, put }, begun: begun.promise, open: gate.resolve };
}

test("a delta and its damage report do not wait for a slow daily run, and the daily run takes nothing of them back", async () => {
  await add(1, 0, 300);
  await add(2, 0, 300);
  await backups.run("daily");
  await add(1, 300, 10);
  const slow = slowStore(backups.hot);
  const daily = backups.run("daily", { stores: [slow.store] });
  await slow.begun;
  const before = await backups.stored();
  await add(2, 300, 10);
  await database.query(
    `update r3a.ohlcv_partitioned set close = 1 where coin_id = 1 and "timestamp" = '${time(5)}'`,
  );
  const delta = await backups.run("delta");
  expect(delta).toMatchObject({ found: 1, open: 1 });
  slow.open();
  expect(await daily).toMatchObject({ kind: "daily", found: 0, open: 1 });

  const truth = [...before, ...(await backups.stored()).filter((line) => /^2\t/.test(line))];
  expect(await backups.restored()).toEqual([...new Set(truth)].toSorted());
  const [newest, second] = await readManifests(backups.hot);
  expect([newest?.kind, second?.kind]).toEqual(["daily", "delta"]);
  expect(newest?.suspects).toMatchObject([{ coinId: 1, at: time(5).replace(".000Z", "Z"), kind: "changed" }]);

  await database.query(
    `update r3a.ohlcv_partitioned set close = 110.00000001 + 5 where coin_id = 1 and "timestamp" = '${time(5)}'`,
  );
  expect(await backups.run("delta")).toMatchObject({ found: 0, open: 0 });
  expect(await backups.restored()).toEqual(await backups.stored());
});

test("candles that are stored while backups run are in the next one, and none is suspect", async () => {
  let [minute, isOver] = [10_000, false];
  const writing = (async () => {
    // to the end of the shortest month
    for (; !isOver && minute < 40_000; minute += 1) await add(3, minute, 1);
  })();
  const results: BackupResult[] = [];
  try {
    for (const kind of ["delta", "daily", "delta", "daily", "delta"] as const)
      results.push(await backups.run(kind));
  } finally {
    isOver = true;
    await writing;
  }
  expect(results.map(({ found }) => found)).toEqual([0, 0, 0, 0, 0]);
  expect(minute).toBeGreaterThan(10_020);
  expect(await backups.run("delta")).toMatchObject({ found: 0 });
  expect(await backups.restored()).toEqual(await backups.stored());
  expect((await newestManifest(backups.hot)).suspects).toEqual([]);
});

test("a tier whose disk was changed for an empty one never gets a manifest that names what is not there, and a daily run fills it", async () => {
  await add(1, 0, 50);
  await backups.run("daily");
  rmSync(join(backups.folder, "hot"), { recursive: true });
  mkdirSync(join(backups.folder, "hot"));
  await expect(backups.run("delta")).rejects.toThrow("no tier took the backup");
  expect(await readManifests(backups.hot)).toEqual([]);
  await backups.run("daily");
  expect(await backups.restored()).toEqual(await backups.stored());
});
