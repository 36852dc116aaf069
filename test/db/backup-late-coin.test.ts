import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { addMinutes, makeLeaf } from "../support/backup/parts.ts";
import { newestManifest } from "../support/backup/restored.ts";
import { useBackups } from "../support/backup/runs.ts";
import { useQuietServer } from "../support/database/quiet-server.ts";

const database = useQuietServer();
const backups = useBackups(database);
/** A delta looks at this leaf whatever the server's counters say. */
const leaf = leafAt("1m", Date.now());
const time = (minute: number) => new Date(leaf.span.from + minute * 60_000).toISOString();
const add = (coin: number, from: number, count: number) =>
  database.query(addMinutes, [coin, time(from), count]);

beforeAll(async () => {
  await makeLeaf(database, "1m", time(0));
});

test("a coin that comes late needs no delta of before it, which may lie in no tier any more", async () => {
  await add(1, 0, 100);
  await backups.run("daily");
  await add(2, 0, 50);
  await add(1, 100, 5);
  await backups.run("delta");
  expect(await backups.restored()).toEqual(await backups.stored());
  const { deltas } = await newestManifest(backups.hot);
  expect(deltas).toMatchObject([{ rows: 5 }]);

  // the disk of the tier was changed for an empty one, and the daily run wrote every candle anew
  for (const path of [join(backups.folder, "hot")]) {
    await rm(path, { recursive: true });
    await mkdir(path);
  }
  await backups.run("daily");
  await add(3, 0, 60);
  await add(1, 105, 5);
  await backups.run("delta");
  expect(await backups.restored()).toEqual(await backups.stored());
  expect((await newestManifest(backups.hot)).deltas).toMatchObject([{ rows: 5 }]);

  await add(3, 60, 1);
  await backups.run("delta");
  expect(await backups.restored()).toEqual(await backups.stored());
});

test("a delta that meets new coins alone writes no delta object", async () => {
  await backups.run("daily");
  await add(4, 0, 10);
  await backups.run("delta");
  expect(await backups.restored()).toEqual(await backups.stored());
  expect((await newestManifest(backups.hot)).deltas).toEqual([]);
});
