import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { BackupResult } from "../../runner/src/backup/backup-run.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import type { Store } from "../../runner/src/store/store.ts";
import { addMinutes, makeLeaf } from "../support/backup/parts.ts";
import { newestManifest, readLines, readManifests } from "../support/backup/restored.ts";
import { useBackups } from "../support/backup/runs.ts";
import { useQuietServer } from "../support/database/quiet-server.ts";

const database = useQuietServer();
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

describe("a tier that lost its disk with deltas and a suspect behind it", () => {
  const change = (close: string) =>
    database.query(
      `update r3a.ohlcv_partitioned set close = ${close} where coin_id = 1 and "timestamp" = '${time(5)}'`,
    );
  const lose = (tier: "hot" | "warm") => {
    rmSync(join(backups.folder, tier), { recursive: true });
    mkdirSync(join(backups.folder, tier));
  };
  const age = async (stores: readonly Store[]) => {
    await add(1, 0, 50);
    await add(2, 0, 50);
    await backups.run("daily", { stores });
    await add(1, 50, 5);
    await add(2, 50, 5);
    await backups.run("delta", { stores });
    await change("close * 10");
    expect(await backups.run("delta", { stores })).toMatchObject({ found: 1, open: 1 });
    await add(1, 55, 5);
    await add(2, 55, 5);
    await backups.run("delta", { stores });
  };

  test("gets all of it from another tier: what is believed, and what is suspect beside it", async () => {
    const both = [backups.hot, backups.warm];
    await age(both);
    const truth = await backups.restored(backups.warm);
    lose("hot");
    const daily = await backups.run("daily", { stores: both });
    expect(daily).toMatchObject({ open: 1, lost: [] });
    expect(daily.tiers.map(({ fault }) => fault)).toEqual([null, null]);
    expect(await backups.restored()).toEqual(truth);
    expect((await newestManifest(backups.hot)).beside).toHaveLength(1);
  });

  test("gets from the live rows what no tier has: of a part in doubt those that nobody doubts, until a person accepts", async () => {
    await age([backups.hot]);
    lose("hot");
    const others = async () => {
      const doubted = `1\t1m\t${time(5).slice(0, 19).replace("T", " ")}`;
      return (await backups.stored()).filter((line) => !line.startsWith(doubted));
    };
    expect(await backups.run("daily")).toMatchObject({ found: 0, open: 1, lost: [] });
    expect(await backups.restored()).toEqual(await others());
    const manifest = await newestManifest(backups.hot);
    expect(manifest.suspects).toHaveLength(1);
    const [object] = manifest.beside;
    if (object === undefined) throw new Error("the suspect row lies beside again");
    expect(await readLines(backups.hot, object, backups.identity)).toHaveLength(1);

    await add(1, 60, 5);
    expect(await backups.run("delta")).toMatchObject({ isWhole: false, found: 0, open: 1, lost: [] });
    expect(await backups.restored()).toEqual(await others());
    // read whole, the row is no new candle either
    await database.query("update r3a.backup set timeline = timeline + 1");
    expect(await backups.run("daily")).toMatchObject({ isWhole: true, found: 0, open: 1 });
    expect(await backups.restored()).toEqual(await others());

    // nobody has the earlier row, so nobody can see that it is right again
    await change("110.00000001 + 5");
    expect(await backups.run("daily")).toMatchObject({ open: 1 });
    const accept = { leaf: leaf.name, coinId: 1, reason: "the exchange says so" };
    expect(await backups.run("daily", { accept })).toMatchObject({ open: 0, lost: [] });
    expect(await backups.restored()).toEqual(await backups.stored());
  });

  test("loses nothing to a tier that does not answer: what that has is waited for", async () => {
    const both = [backups.hot, backups.warm];
    await age(both);
    const truth = await backups.restored(backups.warm);
    lose("hot");
    const lost = [{ leaf: leaf.name, coinId: 1, interval: "1m" }];
    expect(await backups.run("daily", { stores: [backups.hot] })).toMatchObject({ found: 0, open: 1, lost });
    expect(await backups.run("daily", { stores: both })).toMatchObject({ open: 1, lost: [] });
    for (const store of both) expect(await backups.restored(store)).toEqual(truth);
  });

  test("leaves out the part of which an unknown row is in doubt, until the rows are right", async () => {
    await add(1, 0, 50);
    await add(2, 0, 50);
    await backups.run("daily");
    await change("close * 10");
    await database.query("update r3a.backup set timeline = timeline + 1");
    expect(await backups.run("delta")).toMatchObject({ isWhole: true, found: 1 });
    lose("hot");
    const lost = [{ leaf: leaf.name, coinId: 1, interval: "1m" }];
    expect(await backups.run("daily")).toMatchObject({ found: 0, open: 1, lost });
    const others = (await backups.stored()).filter((line) => line.startsWith("2\t"));
    expect(await backups.restored()).toEqual(others);
    await change("110.00000001 + 5");
    expect(await backups.run("daily")).toMatchObject({ open: 0, lost: [] });
    expect(await backups.restored()).toEqual(await backups.stored());
  });
});
