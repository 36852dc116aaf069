import { mkdirSync } from "node:fs";
import { join } from "node:path";
import pino from "pino";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type BackupRequest, type BackupResult, runBackup } from "../../runner/src/backup/backup-run.ts";
import { COPY_COLUMNS } from "../../runner/src/db/copy-lines.ts";
import { own } from "../../runner/src/db/session.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { openFolderStore } from "../../runner/src/store/folder-store.ts";
import type { Store } from "../../runner/src/store/store.ts";
import { newKey } from "../support/backup/object.ts";
import { addMinutes, makeLeaf, textOf, withRunner } from "../support/backup/parts.ts";
import { newestManifest, readLines, readManifests, restoreLines } from "../support/backup/restored.ts";
import { useQuietServer } from "../support/database/quiet-server.ts";
import { temporaryFolder } from "../support/folder.ts";

const database = useQuietServer();
/** The leaf of this month is open: a delta looks at it whatever the server's counters say. */
const open = leafAt("1m", Date.now());
const sealed = leafAt("1m", open.span.from - 40 * 86_400_000);
const START = open.span.from;
const time = (minute: number) => new Date(START + minute * 60_000).toISOString();
const add = (coin: number, from: number, count: number) =>
  database.query(addMinutes, [coin, time(from), count]);
const copyTime = (minute: number) => time(minute).slice(0, 19).replace("T", " ");
const at = (coin: number, minute: number) => `coin_id = ${coin} and "timestamp" = '${time(minute)}'`;

let key: Awaited<ReturnType<typeof newKey>>;
let hot: Store;
let warm: Store;
let folder: string;

beforeAll(async () => {
  key = await newKey();
  for (const { span } of [open, sealed]) await makeLeaf(database, "1m", time((span.from - START) / 60_000));
  for (const symbol of ["AUSDT", "BUSDT", "CUSDT"])
    await database.query(
      "insert into r3a.coin (symbol, base, quote, status) values ($1, $1, 'USDT', 'TRADING')",
      [symbol],
    );
});

beforeEach(async () => {
  await database.query(`truncate r3a.ohlcv_partitioned, r3a.candle_revision, r3a.backup, r3a.backup_object, r3a.backup_copy,
    r3a.backup_use, r3a.backup_part, r3a.backup_leaf, r3a.backup_suspect, r3a.backup_doubt, r3a.backup_gap_series`);
  folder = temporaryFolder();
  for (const name of ["hot", "warm", "spool"]) mkdirSync(join(folder, name));
  const report = () => {};
  hot = openFolderStore(join(folder, "hot"), { tier: "hot", report });
  warm = openFolderStore(join(folder, "warm"), { tier: "warm", report });
});

async function backUp(kind: "daily" | "delta", request: Partial<BackupRequest> = {}): Promise<BackupResult> {
  const context = {
    runId: crypto.randomUUID(),
    signal: new AbortController().signal,
    log: pino({ level: "silent" }),
    terminal: null,
  };
  const spool = join(folder, "spool");
  const result = await withRunner(database, (db) =>
    runBackup(context, db, {
      kind,
      stores: [hot],
      recipients: [key.recipient],
      spool,
      accept: null,
      ...request,
    }),
  );
  if (result === null) throw new Error("another backup is at work");
  return result;
}

/** The candles of the table as lines of COPY. */
async function stored(): Promise<readonly string[]> {
  const text = await withRunner(database, (db) =>
    own(db, new AbortController().signal, (client) =>
      textOf(client.copyOut(`copy (select ${COPY_COLUMNS} from r3a.ohlcv_partitioned) to stdout`)),
    ),
  );
  return text.trimEnd().split("\n").toSorted();
}
const restored = (store = hot) => restoreLines(store, key.identity);

describe("a backup gives back what is stored", () => {
  test("after a daily run, a delta, a second daily run that rewrites what changed alone, and a coin that comes late", async () => {
    await add(1, 0, 300);
    await add(2, 0, 300);
    await add(1, (sealed.span.from - START) / 60_000, 10);
    const first = await backUp("daily");
    expect(first).toMatchObject({ isWhole: true, found: 0, open: 0, leaves: 2 });
    expect(await restored()).toEqual(await stored());

    await add(1, 300, 5);
    const delta = await backUp("delta");
    expect(delta).toMatchObject({ isWhole: false, found: 0 });
    expect(await restored()).toEqual(await stored());
    expect((await newestManifest(hot)).deltas).toMatchObject([{ rows: 5, leaf: open.name }]);

    const second = await backUp("daily");
    const bases = second.objects;
    expect(second).toMatchObject({ found: 0, leaves: 2 });
    expect(await restored()).toEqual(await stored());
    const daily = await newestManifest(hot);
    expect(daily.deltas).toEqual([]);
    const other = sealed.name;
    const [before] = (await readManifests(hot)).slice(-1);
    const keyOf = (manifest: typeof daily | undefined) =>
      manifest?.leaves.find(({ name }) => name === other)?.key;
    expect(keyOf(daily)).toBe(keyOf(before));
    expect(bases).toBeLessThan(first.objects);

    await add(3, 0, 300);
    await backUp("daily");
    expect(await restored()).toEqual(await stored());
    const latest = await newestManifest(hot);
    expect(latest.leaves.find(({ name }) => name === open.name)).toMatchObject({
      parts: 3,
      rows: 905,
    });
  });

  test("when nothing changed, with the same leaf records and no new object of candles", async () => {
    await add(1, 0, 100);
    await backUp("daily");
    const before = await newestManifest(hot);
    for (const kind of ["delta", "daily"] as const) expect(await backUp(kind)).toMatchObject({ found: 0 });
    const after = await newestManifest(hot);
    expect(after.leaves).toEqual(before.leaves);
    expect(after.deltas).toEqual([]);
    expect(after.schema).toEqual(before.schema);
    expect(after.previous).not.toBeNull();
  });

  test("also where a delta is the first backup of all", async () => {
    await add(1, 0, 100);
    expect(await backUp("delta")).toMatchObject({ isWhole: true });
    expect(await restored()).toEqual(await stored());
    await add(1, 100, 1);
    expect(await backUp("delta")).toMatchObject({ isWhole: false });
    expect(await restored()).toEqual(await stored());
  });
});

describe("damage does not restore: a delta, a daily run and another delta later the truth is there, after", () => {
  const TABLE = "r3a.ohlcv_partitioned";
  test.each<[string, string, number]>([
    ["a row changed by hand", `update ${TABLE} set close = 1 where ${at(1, 5)}`, 1],
    [
      "three rows times ten",
      `update ${TABLE} set close = close * 10 where coin_id = 1 and "timestamp" < '${time(3)}'`,
      3,
    ],
    ["a day deleted", `delete from ${TABLE} where coin_id = 2 and "timestamp" < '${time(1440)}'`, 1440],
    [
      "one row deleted and another inserted",
      `with gone as (delete from ${TABLE} where ${at(1, 7)} returning *)
       insert into ${TABLE} select coin_id, "interval", '${time(9_000)}', open, high, low, close, volume from gone`,
      1,
    ],
  ])("%s", async (_, damage, count) => {
    await add(1, 0, 1500);
    await add(2, 0, 1500);
    await backUp("daily");
    const truth = await stored();
    await database.query(damage);
    const damaged = new Set(await stored());
    expect(await backUp("delta")).toMatchObject({ found: count, open: count });
    await add(1, 2_000, 3);
    expect(await backUp("daily")).toMatchObject({ found: 0, open: count });
    await add(1, 2_003, 3);
    expect(await backUp("delta")).toMatchObject({ found: 0, open: count });
    const lines = new Set(await restored());
    for (const line of truth) expect(lines.has(line)).toBe(true);
    // beside the truth only new candles: none of what the damage left in place of a row
    const later = [...lines].filter((line) => !truth.includes(line));
    expect(later.length).toBe(6 + [...damaged].filter((line) => line.includes(copyTime(9_000))).length);
    const manifest = await newestManifest(hot);
    expect(manifest.suspects).toHaveLength(count);
  });

  test("a row changed under a savepoint that commits after the snapshot", async () => {
    await add(1, 0, 100);
    await backUp("daily");
    const truth = await stored();
    await database.query(
      `do $$ begin begin update ${TABLE} set close = 1 where ${at(1, 5)}; exception when others then raise; end; end $$`,
    );
    expect(await backUp("delta")).toMatchObject({ found: 1 });
    expect(await restored()).toEqual(truth);
    const { beside } = await newestManifest(hot);
    const [object] = beside;
    if (object === undefined) throw new Error("the new state lies beside");
    const [line] = await readLines(hot, object, key.identity);
    expect(line).toContain(copyTime(5));
  });

  test("until a person accepts it", async () => {
    await add(1, 0, 100);
    await backUp("daily");
    await database.query(`update ${TABLE} set close = 1 where ${at(1, 5)}`);
    await database.query(`delete from ${TABLE} where ${at(1, 6)}`);
    expect(await backUp("delta")).toMatchObject({ found: 2, open: 2 });
    const accept = { leaf: open.name, coinId: 1, reason: "mended by hand" };
    expect(await backUp("daily", { accept })).toMatchObject({ open: 0 });
    expect(await restored()).toEqual(await stored());
    expect(await backUp("daily")).toMatchObject({ found: 0, open: 0 });
  });
});

describe("tiers", () => {
  test("one that fails does not stop the other, and gets what it lacks with the next run", async () => {
    await add(1, 0, 100);
    const away = openFolderStore(join(folder, "away"), { tier: "warm", report: () => {} });
    const first = await backUp("daily", { stores: [hot, away] });
    expect(first.tiers).toMatchObject([
      { tier: "hot", fault: null },
      { tier: "warm", manifest: null },
    ]);
    expect(first.tiers[1]?.fault).toContain("does not exist");
    expect(await restored()).toEqual(await stored());

    await add(1, 100, 5);
    const second = await backUp("delta", { stores: [hot, warm] });
    expect(second.tiers.map(({ fault }) => fault)).toEqual([null, null]);
    expect(await restored(warm)).toEqual(await stored());
    expect((await newestManifest(warm)).previous).toBeNull();
  });

  test("none that takes the backup is a failure, and the next run has all", async () => {
    await add(1, 0, 100);
    const away = openFolderStore(join(folder, "away"), { tier: "hot", report: () => {} });
    await expect(backUp("daily", { stores: [away] })).rejects.toThrow("does not exist");
    const rows = await database.query("select outcome from r3a.backup");
    expect(rows).toEqual([{ outcome: "failed" }]);
    await backUp("daily");
    expect(await restored()).toEqual(await stored());
  });
});

test("two backups of one kind at once: the second one leaves the work to the first", async () => {
  await add(1, 0, 5_000);
  const results = await Promise.allSettled([backUp("daily"), backUp("daily")]);
  expect(results.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
  expect(await restored()).toEqual(await stored());
});
