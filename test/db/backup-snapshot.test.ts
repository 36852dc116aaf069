import { beforeAll, expect, test } from "vitest";
import type { BackupLeaf } from "../../runner/src/db/backup/backup-leaf.ts";
import { closeBackup } from "../../runner/src/db/backup/backup-rows.ts";
import { isUntouched } from "../../runner/src/db/backup/leaf-counters.ts";
import { findLastStored } from "../../runner/src/db/backup/ledger.ts";
import { type LedgerWrite, writeLedger } from "../../runner/src/db/backup/write-ledger.ts";
import {
  addMinutes,
  emptyWrite,
  inSnapshot,
  makeLeaf,
  readBeside,
  withRunner,
} from "../support/backup/parts.ts";
import { withSession } from "../support/database/empty-database.ts";
import { useQuietServer } from "../support/database/quiet-server.ts";

const database = useQuietServer();
const START = "2024-02-01T00:00:00Z";
let leaf: BackupLeaf;

const store = (write: Partial<LedgerWrite>) =>
  inSnapshot(database, async (snapshot, db) => {
    await writeLedger(db, snapshot, { ...emptyWrite, ...write });
    return snapshot.backup;
  });
const outcomeOf = async (backup: number) =>
  (
    await database.query<{ outcome: string; error: string | null }>(
      "select outcome, error from r3a.backup where id = $1",
      [backup],
    )
  )[0];

beforeAll(async () => {
  leaf = await makeLeaf(database, "1m", START);
});

test("the snapshot says which server it is of, shows no later row, and its sessions see the same", async () => {
  const seen = await inSnapshot(database, async ({ facts, client, beside }) => {
    await database.query(addMinutes, [7, START, 3]);
    const count = `select count(*)::int as n from r3a.ohlcv_partitioned where coin_id = 7`;
    return { facts, own: await client.query(count), other: await beside((other) => other.query(count)) };
  });
  expect([seen.own, seen.other]).toEqual([[{ n: 0 }], [{ n: 0 }]]);
  const [control] = await database.query<{ id: string }>(
    "select system_identifier::text as id from pg_control_system()",
  );
  expect(seen.facts).toMatchObject({ systemIdentifier: control?.id, timeline: 1 });
  expect(Math.abs(seen.facts.takenAt - Date.now())).toBeLessThan(60_000);
  expect(seen.facts.xmin).toBeLessThanOrEqual(seen.facts.nextXid);
});

test("a backup runs, is stored with its ledger, and complete with its manifests; one that fails says why", async () => {
  const good = await store({ isWhole: true, rows: 3, bytes: 4 });
  expect(await outcomeOf(good)).toEqual({ outcome: "stored", error: null });
  await withRunner(database, (db) =>
    closeBackup(db, good, { outcome: "complete", manifests: { warm: "m/1", hot: "m/2" }, fault: null }),
  );
  expect(
    await database.query("select outcome, tiers, is_whole, rows::int from r3a.backup where id = $1", [good]),
  ).toEqual([{ outcome: "complete", tiers: ["hot", "warm"], is_whole: true, rows: 3 }]);
  const failing = inSnapshot(database, async ({ backup }) => {
    throw Object.assign(new Error("the store is full"), { backup });
  });
  const { backup } = await failing.catch((error: Error & { backup: number }) => error);
  expect(backup).toBeGreaterThan(good);
  expect(await outcomeOf(backup)).toEqual({ outcome: "failed", error: "the store is full" });
  await expect(
    withRunner(database, (db) =>
      closeBackup(db, backup, { outcome: "complete", manifests: {}, fault: null }),
    ),
  ).rejects.toThrow("is not stored");
  expect(await readBeside(database, (client) => findLastStored(client, "delta"))).toMatchObject({
    id: good,
    outcome: "complete",
  });
  expect(await readBeside(database, (client) => findLastStored(client, "daily"))).toBeNull();
});

test("a backup that was killed is closed by the next one of its kind alone", async () => {
  const add = "insert into r3a.backup (run_id, kind) values (gen_random_uuid(), $1) returning id::int";
  const [[delta], [daily]] = [
    await database.query<{ id: number }>(add, ["delta"]),
    await database.query<{ id: number }>(add, ["daily"]),
  ];
  await store({});
  expect(await outcomeOf(delta?.id ?? 0)).toEqual({ outcome: "failed", error: "the process is gone" });
  expect(await outcomeOf(daily?.id ?? 0)).toMatchObject({ outcome: "running" });
  await database.query("delete from r3a.backup where kind = 'daily'");
});

test("counters of a leaf move when somebody writes to it, and are read before the snapshot", async () => {
  const count = () => inSnapshot(database, async ({ counters }) => counters.get(leaf.name));
  const write = (n: number) =>
    withSession(database.url, async (client) => {
      await client.query(addMinutes, [50, new Date(Date.parse(START) + n * 60_000), 1]);
      await client.query("select pg_stat_force_next_flush()");
    });
  await write(0);
  const before = await count();
  expect(isUntouched(before, await count())).toBe(true);
  await write(1);
  expect(isUntouched(before, await count())).toBe(false);
  expect(isUntouched(before, undefined)).toBe(false);
  const now = await count();
  await database.query(`truncate r3a.${leaf.name}`);
  expect(isUntouched(now, await count())).toBe(false);
});
