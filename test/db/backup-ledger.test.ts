import { beforeAll, beforeEach, expect, test } from "vitest";
import type { BackupLeaf } from "../../runner/src/db/backup/backup-leaf.ts";
import { type BackupKind, closeBackup } from "../../runner/src/db/backup/backup-rows.ts";
import { isUntouched } from "../../runner/src/db/backup/leaf-counters.ts";
import {
  countSuspects,
  findLastStored,
  listLooks,
  listStoredParts,
  listSuspects,
} from "../../runner/src/db/backup/ledger.ts";
import { withSnapshot } from "../../runner/src/db/backup/snapshot.ts";
import {
  findSameText,
  listNeededDeltas,
  listTableObjects,
  type StoredObject,
} from "../../runner/src/db/backup/stored-objects.ts";
import {
  type LeafWrite,
  type LedgerWrite,
  type PartWrite,
  writeLedger,
} from "../../runner/src/db/backup/write-ledger.ts";
import {
  addMinutes,
  emptyWrite,
  inSnapshot,
  makeLeaf,
  readBeside,
  withRunner,
} from "../support/backup/parts.ts";
import { useDatabase } from "../support/database/database.ts";
import { withSession } from "../support/database/empty-database.ts";

const database = useDatabase();
const START = "2024-02-01T00:00:00Z";
let leaf: BackupLeaf;

const part = (rows: number, more: Partial<PartWrite> = {}): PartWrite => ({
  ...{
    coinId: 1,
    interval: "1m",
    rows,
    hash: 2n ** 64n - 1n,
    nullRows: 0,
    nullHash: 0n,
    slots: Uint8Array.of(255, 1),
  },
  ...{ first: Date.parse(START), last: Date.parse(START) + 60_000, ...more },
});
const leafWrite = (more: Partial<LeafWrite> = {}): LeafWrite => ({
  ...{ leaf, counter: { changes: 5n, countedAs: "x" }, parts: [], bases: [], ...more },
});
const object = (name: string, backup: number, text = name): StoredObject => ({
  ...{ key: name, madeBy: backup, attempt: "abc", rows: 1, bytes: 2, sha256: "ab".repeat(32), plainBytes: 3 },
  plainSha256: Buffer.from(text.padEnd(32, "-")).toString("hex"),
});
const store = (write: Partial<LedgerWrite> | ((backup: number) => Partial<LedgerWrite>)) =>
  inSnapshot(database, async (snapshot, db) => {
    const more = typeof write === "function" ? write(snapshot.backup) : write;
    await writeLedger(db, snapshot, { ...emptyWrite, ...more });
    return snapshot.backup;
  });
const parts = () => readBeside(database, (client) => listStoredParts(client, leaf));
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
beforeEach(async () => {
  await database.query(
    "truncate r3a.backup_part, r3a.backup_leaf, r3a.backup_doubt, r3a.backup_suspect, r3a.backup_object cascade",
  );
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
    closeBackup(db, good, { outcome: "complete", manifests: { warm: "m/1", hot: "m/2" } }),
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
    withRunner(database, (db) => closeBackup(db, backup, { outcome: "complete", manifests: {} })),
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

test("a part that a later backup wrote is left alone, but gets the base of the earlier one", async () => {
  const kinds = (kind: BackupKind) => ({
    runId: crypto.randomUUID(),
    kind,
    signal: new AbortController().signal,
  });
  await withRunner(database, (db) =>
    withSnapshot(db, kinds("daily"), async (daily) => {
      const delta = await store({ leaves: () => [leafWrite({ parts: [part(9)] })] });
      expect(delta).toBeGreaterThan(daily.backup);
      const base = { coinId: 1, interval: "1m", key: "base", hash: 5n } as const;
      const leaves = () => [
        leafWrite({ parts: [part(7), part(1, { coinId: 2 })], bases: [base, { ...base, coinId: 2 }] }),
      ];
      await writeLedger(db, daily, { ...emptyWrite, leaves });
      const at = { key: "base", hash: 5n, backup: daily.backup };
      expect(await parts()).toMatchObject([
        { coinId: 1, rows: 9, asOf: delta, base: at, hash: 2n ** 64n - 1n, slots: Buffer.of(255, 1) },
        { coinId: 2, rows: 1, asOf: daily.backup, base: at },
      ]);
      const looks = await readBeside(database, listLooks);
      expect(looks.get(leaf.name)?.backup.id).toBe(delta);
    }),
  );
});

test("a ledger is written as a whole or not at all", async () => {
  const bad = part(-1);
  await expect(
    store((backup) => ({ objects: [object("o1", backup)], leaves: () => [leafWrite({ parts: [bad] })] })),
  ).rejects.toThrow();
  expect(await database.query("select from r3a.backup_object")).toEqual([]);
});

test("deltas are needed until a later base has their rows; a text that comes again keeps its place in the order", async () => {
  const use = (key: string) =>
    ({ kind: "delta", key, columns: ["a"], leaf: leaf.name, first: 0, last: 60_000 }) as const;
  const delta = (key: string) =>
    store((backup) => ({
      objects: [object(key, backup)],
      uses: [use(key)],
      leaves: () => [leafWrite({ parts: [part(2)] })],
    }));
  const needed = async () =>
    (await readBeside(database, (client) => listNeededDeltas(client, leaf.name))).map(({ key }) => key);
  await delta("one");
  await delta("two");
  await delta("one");
  expect(await needed()).toEqual(["one", "two", "one"]);
  const base = { coinId: 1, interval: "1m", key: "base" } as const;
  await store({ leaves: () => [leafWrite({ bases: [{ ...base, hash: 1n }] })] });
  expect(await needed()).toEqual([]);
  await delta("three");
  expect(await needed()).toEqual(["three"]);
  await store({ leaves: () => [leafWrite({ bases: [{ ...base, hash: 2n ** 64n - 1n }] })] });
  await delta("four");
  expect(await needed()).toEqual([]);
});

test("of a table the newest whole export and what followed are its objects, also where its rows are as they were before", async () => {
  const use = (key: string, mode: "whole" | "rows") =>
    ({ kind: "table", key, columns: ["a"], table: "r3a.coin", mode }) as const;
  const put = (key: string, mode: "whole" | "rows") =>
    store((backup) => ({
      objects: [object(key, backup)],
      uses: [use(key, mode)],
      copies: [{ key, tier: "hot", verifiedAt: 1_000 }],
    }));
  const listed = async () =>
    (await readBeside(database, listTableObjects)).map(({ key, mode, tiers }) => [key, mode, tiers]);
  await put("a", "whole");
  await put("b", "whole");
  await put("c", "rows");
  expect(await listed()).toEqual([
    ["b", "whole", ["hot"]],
    ["c", "rows", ["hot"]],
  ]);
  await put("a", "whole");
  expect(await listed()).toEqual([["a", "whole", ["hot"]]]);
  const text = object("a", 1).plainSha256;
  expect(await readBeside(database, (client) => findSameText(client, [text]))).toMatchObject([
    { key: "a", tiers: ["hot"] },
  ]);
});

test("a suspect is open once, and is closed because it is gone or because a person accepts it", async () => {
  const suspect = {
    leaf: leaf.name,
    coinId: 1,
    interval: "1m",
    at: Date.parse(START),
    kind: "changed",
    hash: 2n ** 64n - 1n,
  } as const;
  const whole = { ...suspect, at: null, kind: "content" } as const;
  const first = await store({ found: [suspect, whole] });
  await store({ found: [{ ...suspect, kind: "vanished", hash: null }, whole] });
  const open = await readBeside(database, (client) => listSuspects(client, { leaf: null, most: 10 }));
  expect(open).toMatchObject([
    { ...whole, foundBy: first },
    { ...suspect, kind: "vanished", hash: null, foundBy: first },
  ]);
  const [content, vanished] = open.map(({ id }) => id);
  const accepted = { ids: [vanished ?? 0], reason: "deleted on purpose", runId: crypto.randomUUID() };
  await store({ gone: [content ?? 0], accepted });
  expect(await readBeside(database, countSuspects)).toBe(0);
  expect(await database.query("select state, reason from r3a.backup_suspect order by id")).toEqual([
    { state: "accepted", reason: "deleted on purpose" },
    { state: "gone", reason: null },
  ]);
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
