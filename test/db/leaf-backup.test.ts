import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pino from "pino";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { type LeafBackups, openLeafBackups } from "../../runner/src/backup/leaf-run.ts";
import { openLockSession } from "../../runner/src/db/lock.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import type { Store } from "../../runner/src/store/store.ts";
import { addMinutes, makeLeaf, withRunner } from "../support/backup/parts.ts";
import { newestManifest } from "../support/backup/restored.ts";
import { useBackups } from "../support/backup/runs.ts";
import { useQuietServer } from "../support/database/quiet-server.ts";

/** Backups of one leaf, as seal makes them. */

const database = useQuietServer();
const backups = useBackups(database);
const leaf = leafAt("1m", Date.UTC(2024, 1));
const other = leafAt("1m", Date.UTC(2024, 2));
const time = (minute: number) => new Date(leaf.span.from + minute * 60_000).toISOString();

beforeAll(async () => {
  await makeLeaf(database, "1m", time(0));
  await makeLeaf(database, "1m", new Date(other.span.from).toISOString());
});

beforeEach(async () => {
  await database.query(`truncate r3a.ohlcv_partitioned, r3a.candle_revision, r3a.backup, r3a.backup_object, r3a.backup_copy,
    r3a.backup_use, r3a.backup_part, r3a.backup_leaf, r3a.backup_suspect, r3a.backup_doubt, r3a.backup_gap_series`);
  for (const coin of [1, 2]) await database.query(addMinutes, [coin, time(0), 300]);
  await database.query(addMinutes, [1, new Date(other.span.from).toISOString(), 5]);
});

const [FROM_OTHER, TO_OTHER] = [other.span.from, other.span.to].map((ms) => new Date(ms).toISOString());

/** Gives a leaf a table of which a snapshot from before shows no row. */
async function swap(): Promise<void> {
  await database.query("create schema if not exists aside");
  await database.query(`create table aside.next (like r3a.${other.name} including all)`);
  await database.query(`insert into aside.next select * from r3a.${other.name}`);
  await database.query(`alter table r3a.${other.parent} detach partition r3a.${other.name}`);
  await database.query(`alter table r3a.${other.name} set schema aside`);
  await database.query(`alter table aside.next rename to ${other.name}_new`);
  await database.query(`alter table aside.${other.name}_new set schema r3a`);
  await database.query(`alter table r3a.${other.name}_new rename to ${other.name}`);
  await database.query(
    `alter table r3a.${other.parent} attach partition r3a.${other.name} for values from ('${FROM_OTHER}') to ('${TO_OTHER}')`,
  );
}

/** Swaps when the tier is first listed: then the snapshot is taken, and the leaf is not read yet. */
function swapping(store: Store): Store {
  let isDone = false;
  return {
    ...store,
    async *list(...args) {
      if (!isDone) await swap();
      isDone = true;
      yield* store.list(...args);
    },
  };
}

const both = () => [backups.hot, backups.warm];

async function withBackups<T>(stores: readonly Store[], work: (of: LeafBackups) => Promise<T>): Promise<T> {
  const [signal, log] = [new AbortController().signal, pino({ level: "silent" })];
  const context = { runId: crypto.randomUUID(), signal, log, terminal: null };
  const request = { stores, recipients: [backups.recipient], spool: join(backups.folder, "spool") };
  return withRunner(database, async (db) => {
    const locks = await openLockSession(db, signal);
    try {
      return await work(await openLeafBackups({ context, db, locks, request }));
    } finally {
      await locks.end();
    }
  });
}

test("a leaf is written whole into both tiers, and the manifest of the next delta names it", async () => {
  await withBackups(both(), async (of) => {
    expect(await of.backUp(leaf.name)).toMatchObject({ rows: 600, objects: 1, open: 0, unbased: 0 });
    expect(await of.confirm(leaf.name, 0)).toEqual({ tiers: ["hot", "warm"], faults: [] });
    expect(of.faults()).toEqual([]);
  });
  expect(readdirSync(join(backups.folder, "hot")).includes("manifests")).toBe(false);
  const rows = await database.query(
    "select kind, outcome, finished_at is null as open, tiers from r3a.backup",
  );
  expect(rows).toEqual([{ kind: "seal", outcome: "stored", open: false, tiers: [] }]);

  const stores = both();
  expect(await backups.run("delta", { stores })).toMatchObject({ leaves: 1, found: 0 });
  expect(await backups.restored(backups.warm)).toEqual(await backups.stored());
  expect((await newestManifest(backups.hot)).leaves.map(({ name }) => name)).toEqual([leaf.name, other.name]);
});

test("a part without a base gets one, the others keep theirs, and what a tier lacks is copied to it", async () => {
  await backups.run("daily");
  await database.query(addMinutes, [3, time(0), 10]);
  await database.query(addMinutes, [2, time(400), 10]);
  await withBackups(both(), async (of) => {
    expect(await of.backUp(leaf.name)).toMatchObject({ rows: 320, objects: 1, open: 0, unbased: 0 });
    expect(await of.confirm(leaf.name, 0)).toEqual({ tiers: ["hot", "warm"], faults: [] });
  });
  const bases = await database.query(
    "select count(distinct base_key)::int as bases, bool_and(base_hash = hash) as whole from r3a.backup_part where leaf = $1",
    [leaf.name],
  );
  expect(bases).toEqual([{ bases: 2, whole: true }]);
  const copies = await database.query(
    `select tier, count(*)::int from r3a.backup_copy join r3a.backup_part on base_key = key where leaf = $1 group by 1 order by 1`,
    [leaf.name],
  );
  expect(copies).toEqual([
    { tier: "hot", count: 3 },
    { tier: "warm", count: 3 },
  ]);
});

test("a row that changed without a revision is suspect, and lies beside", async () => {
  await backups.run("daily");
  await database.query(
    `update r3a.ohlcv_partitioned set close = close * 10 where coin_id = 1 and "timestamp" = $1`,
    [time(7)],
  );
  await withBackups(both(), async (of) =>
    expect(await of.backUp(leaf.name)).toMatchObject({ rows: 1, objects: 1, open: 1 }),
  );
});

test("an object that is not what was put is a fault of its tier for this leaf alone", async () => {
  await withBackups(both(), async (of) => {
    await of.backUp(leaf.name);
    await of.backUp(other.name);
    const [row] = await database.query<{ key: string }>(
      "select base_key as key from r3a.backup_part where leaf = $1 limit 1",
      [leaf.name],
    );
    const path = join(backups.folder, "warm", row?.key ?? "");
    writeFileSync(path, Buffer.alloc(200, 1));
    // what was read when it was put is not read again
    expect(await of.confirm(leaf.name, 0)).toEqual({ tiers: ["hot", "warm"], faults: [] });
    const { tiers, faults } = await of.confirm(leaf.name, Date.now());
    expect(tiers).toEqual(["hot"]);
    expect(faults).toEqual([expect.stringContaining(row?.key ?? "")]);
    expect(await of.confirm(other.name, Date.now())).toEqual({ tiers: ["hot", "warm"], faults: [] });
  });
});

test("a leaf that gets another table while a daily backup is under way: no candle counts as vanished, and the next backup looks", async () => {
  await backups.run("daily");
  const truth = await backups.stored();
  const stores = [swapping(backups.hot)];
  expect(await backups.run("daily", { stores })).toMatchObject({ leaves: 1, found: 0, open: 0 });
  expect(await backups.restored()).toEqual(truth);
  const next = await backups.run("delta");
  // the server counts a transaction up to 10 s late, so the run may look at the other leaf too
  expect(next?.leaves).toBeGreaterThanOrEqual(1);
  expect(next).toMatchObject({ found: 0, open: 0 });
  expect(await backups.restored()).toEqual(truth);
});
