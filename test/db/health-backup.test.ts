import { afterEach, describe, expect, test } from "vitest";
import { HOUR_MS } from "../../runner/src/time.ts";
import { NOW, resultFor, useSyncedDatabase } from "../support/health/synced-database.ts";

const { database, measure, coinIds } = useSyncedDatabase();

const at = (hoursAgo: number) => `to_timestamp(${(NOW - hoursAgo * HOUR_MS) / 1000})`;

function addBackup(tiers: string, hoursAgo: number, outcome = "complete") {
  return database.query(`
    insert into r3a.backup (run_id, kind, snapshot_at, outcome, tiers)
    values (gen_random_uuid(), 'daily', ${at(hoursAgo)}, '${outcome}', '{${tiers}}')`);
}
const folder = (path: string) => ({ kind: "folder", path }) as const;

afterEach(() => database.query("truncate r3a.backup, r3a.backup_suspect"));

test("without any backup there is nothing to check, and health says where to read how to make one", async () => {
  const report = await measure();
  expect(resultFor(report, "backup")).toMatchObject({
    status: "skip",
    output: "no backup was made yet, so none is checked: docs/recovery.md says how to make one",
  });
  expect(resultFor(report, "backup suspects")).toBeUndefined();
});

test("where a tier is set and nothing ever went there, health says so", async () => {
  const wanted = { backupHot: folder("/a"), backupCold: folder("/b") };
  expect(resultFor(await measure(wanted), "backup")).toMatchObject({
    status: "fail",
    output: "no backup was made yet, and hot, cold are set: run backup",
  });
  await addBackup("hot,warm", 3);
  expect(resultFor(await measure(wanted), "backup")).toMatchObject({
    status: "warn",
    names: ["cold: it is set, and no backup ever went there"],
  });
});

test("the newest backup whose manifest is in a tier counts", async () => {
  await addBackup("hot,warm", 3);
  await addBackup("hot", 2);
  await addBackup("", 1, "failed");
  const report = await measure();
  expect(resultFor(report, "backup")).toMatchObject({
    status: "pass",
    observed: 7200,
    at: NOW - 2 * HOUR_MS,
    output: "the newest backup is 2.0 h old (hot 2.0 h, warm 3.0 h); not set: cold",
  });
  expect(resultFor(report, "backup suspects")).toMatchObject({ status: "pass", observed: 0 });
});

test("a backup older than 26 h fails, and a tier that gets none any more is named", async () => {
  await addBackup("hot,warm", 40);
  expect(resultFor(await measure(), "backup")).toMatchObject({
    status: "fail",
    observed: 144_000,
    criteria: { fail: 93_600 },
    output: expect.stringContaining("the newest backup is 1.7 d old: run backup"),
  });
  await addBackup("hot", 1);
  expect(resultFor(await measure(), "backup")).toMatchObject({
    status: "warn",
    names: ["warm: none since 2024-06-18T20:10:00Z"],
  });
});

test("a suspect fails, with the candle's name, until it is closed", async () => {
  await addBackup("hot", 1);
  const [a, b] = coinIds();
  const insert = `insert into r3a.backup_suspect (leaf, coin_id, "interval", at, kind, found_by, found_at)`;
  await database.query(`
    ${insert} select 'ohlcv_1h_2024', ${a}, '1h', timestamptz '2024-06-01Z' + n * interval '1 hour', 'vanished', 1, ${at(5)}
    from generate_series(1, 12) as n`);
  await database.query(`${insert} values ('ohlcv_1h_2024', ${b}, '1h', null, 'content', 1, ${at(6)})`);
  const found = resultFor(await measure(), "backup suspects");
  expect(found).toMatchObject({ status: "fail", observed: 13, at: NOW - 6 * HOUR_MS, moreNames: 0 });
  expect(found?.names).toEqual([
    "ohlcv_1h_2024:BUSDT 1h, it is not known which candles",
    "ohlcv_1h_2024:AUSDT 1h, 2024-06-01, 12 vanished",
  ]);
  expect(found?.output).toMatch(
    /^13 stored candles .*restore --to-schema r3a_restored --leaf ohlcv_1h_2024 --compare shows them, .*backup --accept ohlcv_1h_2024:BUSDT/,
  );
  await database.query("update r3a.backup_suspect set state = 'gone', closed_at = now()");
  expect(resultFor(await measure(), "backup suspects")).toMatchObject({ status: "pass" });
});

test("a daily backup that restores much less than those before it fails with what the backup said", async () => {
  await addBackup("hot", 30);
  await database.query("update r3a.backup set error = 'it restores 10 rows'");
  await addBackup("hot", 1, "stored");
  expect(resultFor(await measure(), "backup size")).toMatchObject({
    status: "fail",
    at: NOW - 30 * HOUR_MS,
    output: "it restores 10 rows",
  });
  await addBackup("hot", 1);
  expect(resultFor(await measure(), "backup size")).toMatchObject({ status: "pass" });
});

describe("what no backup holds fails by its name:", () => {
  const leftOut = async () => resultFor(await measure(), "backup left out");
  const candle = `(coin_id, "interval", "timestamp", open, high, low, close, volume) values (1, '1h',`;
  test.each<[string, string, string, string]>([
    [
      "a column of the candle table",
      'alter table r3a.ohlcv_partitioned add column "My note" text',
      'alter table r3a.ohlcv_partitioned drop column "My note"',
      'the column "My note" of r3a.ohlcv_partitioned',
    ],
    [
      "a column of a small table",
      "alter table r3a.coin add column note text",
      "alter table r3a.coin drop column note",
      "the column note of r3a.coin",
    ],
    [
      "a DEFAULT partition with a row",
      `create table r3a.rest partition of r3a.ohlcv_1h default;
       insert into r3a.rest ${candle} '1999-01-01Z', 1, 1, 1, 1, 1)`,
      "drop table r3a.rest",
      "the rows of r3a.rest, a DEFAULT partition",
    ],
    [
      "a foreign leaf with a row, in another schema",
      `create schema theirs;
       create table theirs."A b" partition of r3a.ohlcv_1h for values from ('1999-01-01Z') to ('1999-02-01Z');
       insert into theirs."A b" ${candle} '1999-01-01Z', 1, 1, 1, 1, 1)`,
      "drop schema theirs cascade",
      "the rows of theirs.A b, which is no leaf of R3A",
    ],
    [
      "the old layout, as long as it is being moved",
      "create table r3a.legacy_series ()",
      "drop table r3a.legacy_series",
      "the rows in r3a.ohlcv_legacy, since the move out of the old layout is not done (migrate-layout)",
    ],
  ])("%s", async (_, damage, mend, name) => {
    await addBackup("hot", 1);
    expect(await leftOut()).toMatchObject({ status: "pass" });
    await database.query(damage);
    try {
      expect(await leftOut()).toMatchObject({ status: "fail", observed: 1, names: [name] });
    } finally {
      await database.query(mend);
    }
  });

  test("a table without a row is left to the check of the leaves", async () => {
    await addBackup("hot", 1);
    await database.query("create table r3a.rest partition of r3a.ohlcv_1h default");
    expect(await leftOut()).toMatchObject({ status: "pass" });
    await database.query("drop table r3a.rest");
  });
});
