import { beforeAll, beforeEach, expect, test } from "vitest";
import type { BackupLeaf } from "../../runner/src/db/backup/backup-leaf.ts";
import type { BackupKind } from "../../runner/src/db/backup/backup-rows.ts";
import {
  countSuspects,
  listLooks,
  listStoredParts,
  listSuspects,
} from "../../runner/src/db/backup/ledger.ts";
import { noteObject } from "../../runner/src/db/backup/note-object.ts";
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
import { emptyWrite, inSnapshot, makeLeaf, readBeside, withRunner } from "../support/backup/parts.ts";
import { useDatabase } from "../support/database/database.ts";

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
    serverVersion: 180004,
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
/** `noted`: names of objects that the backup notes where no other one did. */
const store = (write: Partial<LedgerWrite>, noted: readonly string[] = []) =>
  inSnapshot(database, async (snapshot, db) => {
    const known = await database.query<{ key: string }>("select key from r3a.backup_object");
    for (const name of noted.filter((each) => !known.some(({ key }) => key === each)))
      await noteObject(db, object(name, snapshot.backup));
    await writeLedger(db, snapshot, { ...emptyWrite, ...write });
    return snapshot.backup;
  });
const parts = () => readBeside(database, (client) => listStoredParts(client, leaf));
beforeAll(async () => {
  leaf = await makeLeaf(database, "1m", START);
});
beforeEach(async () => {
  await database.query(
    "truncate r3a.backup_part, r3a.backup_leaf, r3a.backup_doubt, r3a.backup_suspect, r3a.backup_object cascade",
  );
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

test("a ledger is written as a whole or not at all, but what may lie in a tier stays noted", async () => {
  const bad = part(-1);
  const copies = [{ key: "o1", tier: "hot", verifiedAt: 1_000 }] as const;
  await expect(store({ copies, leaves: () => [leafWrite({ parts: [bad] })] }, ["o1"])).rejects.toThrow();
  expect(await database.query("select from r3a.backup_copy")).toEqual([]);
  expect(await database.query("select key from r3a.backup_object")).toEqual([{ key: "o1" }]);
});

test("deltas are needed until a later base has their rows; a text that comes again keeps its place in the order", async () => {
  const use = (key: string) =>
    ({ kind: "delta", key, columns: ["a"], leaf: leaf.name, first: 0, last: 60_000 }) as const;
  const delta = (key: string) =>
    store({ uses: [use(key)], leaves: () => [leafWrite({ parts: [part(2)] })] }, [key]);
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
    store({ uses: [use(key, mode)], copies: [{ key, tier: "hot", verifiedAt: 1_000 }] }, [key]);
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
  expect(await withRunner(database, (db) => findSameText(db, text))).toMatchObject([
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
