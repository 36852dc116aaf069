import { beforeAll, beforeEach, expect, test } from "vitest";
import { parseObjectKey } from "../../runner/src/archive/object/key.ts";
import type { Store } from "../../runner/src/store/store.ts";
import { addMinutes, makeLeaf } from "../support/backup/parts.ts";
import { useBackups } from "../support/backup/runs.ts";
import { useQuietServer } from "../support/database/quiet-server.ts";

const database = useQuietServer();
const backups = useBackups(database);
const START = "2024-02-01T00:00:00Z";
const forever = new AbortController().signal;

beforeAll(async () => {
  await makeLeaf(database, "1m", START);
});

beforeEach(async () => {
  await database.query(`truncate r3a.ohlcv_partitioned, r3a.backup, r3a.backup_object, r3a.backup_copy, r3a.backup_use,
    r3a.backup_part, r3a.backup_leaf, r3a.backup_suspect, r3a.backup_doubt, r3a.backup_gap_series`);
  await database.query(addMinutes, [1, START, 300]);
});

/** A tier at which the run ends, as if it was killed, before or after its put of number `count`. */
function endingAt(store: Store, count: number, when: "before" | "after"): Store {
  let puts = 0;
  return {
    ...store,
    async put(key, file, signal) {
      puts += 1;
      if (puts === count && when === "before") throw new Error("killed");
      await store.put(key, file, signal);
      if (puts === count) throw new Error("killed");
    },
  };
}

async function listObjects(store: Store): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list("objects/", forever)) keys.push(key);
  return keys;
}

async function expectNoOrphan(): Promise<void> {
  const known = await database.query<{ key: string }>("select key from r3a.backup_object");
  const keys = await listObjects(backups.hot);
  for (const key of keys) expect(known).toContainEqual({ key });
  const texts = keys.map((key) => parseObjectKey(key)?.plainSha256);
  expect(texts).toHaveLength(new Set(texts).size);
}

test.each([
  [1, "before"],
  [1, "after"],
  [3, "before"],
  [3, "after"],
  [5, "after"],
] as const)(
  "what a run put that ended at put %d (%s it) is known, and the next run takes it over",
  async (count, when) => {
    await expect(backups.run("daily", { stores: [endingAt(backups.hot, count, when)] })).rejects.toThrow(
      "killed",
    );
    const left = await listObjects(backups.hot);
    expect(left).toHaveLength(when === "before" ? count - 1 : count);
    const { objects } = await backups.run("daily");
    const now = await listObjects(backups.hot);
    for (const key of left) expect(now).toContain(key);
    expect(objects).toBe(now.length - left.length);
    await expectNoOrphan();
    expect(await backups.restored()).toEqual(await backups.stored());
  },
);

test("an object whose rows changed before the next run stays known, though no backup uses it", async () => {
  await expect(backups.run("daily", { stores: [endingAt(backups.hot, 1, "after")] })).rejects.toThrow(
    "killed",
  );
  await database.query(addMinutes, [2, START, 10]);
  await backups.run("daily");
  await expectNoOrphan();
  expect(await backups.restored()).toEqual(await backups.stored());
});

test("what lies under the key of a run that was killed, and is not its object, is not believed", async () => {
  const { folder, hot } = backups;
  await expect(backups.run("daily", { stores: [endingAt(hot, 1, "before")] })).rejects.toThrow("killed");
  const [noted] = await database.query<{ key: string }>("select key from r3a.backup_object where rows > 0");
  await hot.putText(noted?.key ?? "", `no object, in ${folder}`, forever);
  const { objects } = await backups.run("daily");
  expect(objects).toBe((await listObjects(hot)).length - 1);
  expect(await backups.restored()).toEqual(await backups.stored());
});

test("a copy counts as verified when it was read, not when it was listed", async () => {
  const list = () =>
    database.query("select key, verified_at from r3a.backup_copy where key = any ($1)", [keys]);
  await backups.run("daily");
  const keys = await listObjects(backups.hot);
  const before = await list();
  await backups.run("delta");
  expect(await list()).toEqual(before);
});

test("two runs at once put a text once", async () => {
  for (let round = 0; round < 3; round += 1) {
    await database.query(addMinutes, [
      1,
      new Date(Date.parse(START) + (round + 1) * 20_000_000).toISOString(),
      50,
    ]);
    await Promise.all([backups.run("daily"), backups.run("delta")]);
    await expectNoOrphan();
    expect(await backups.restored()).toEqual(await backups.stored());
  }
});
