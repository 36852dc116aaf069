import { afterEach, expect, test } from "vitest";
import { HOUR_MS } from "../../runner/src/time.ts";
import { NOW, resultFor, useSyncedDatabase } from "../support/health/synced-database.ts";

const { database, measure, coinIds } = useSyncedDatabase();

const at = (hoursAgo: number) => `to_timestamp(${(NOW - hoursAgo * HOUR_MS) / 1000})`;

function addBackup(tiers: string, hoursAgo: number, outcome = "complete") {
  return database.query(`
    insert into r3a.backup (run_id, kind, snapshot_at, outcome, tiers)
    values (gen_random_uuid(), 'daily', ${at(hoursAgo)}, '${outcome}', '{${tiers}}')`);
}

afterEach(() => database.query("truncate r3a.backup, r3a.backup_suspect"));

test("without any backup there is nothing to check, and health says where to read how to make one", async () => {
  const report = await measure();
  expect(resultFor(report, "backup")).toMatchObject({
    status: "skip",
    output: "no backup was made yet, so none is checked: docs/recovery.md says how to make one",
  });
  expect(resultFor(report, "backup suspects")).toBeUndefined();
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
    output: "the newest backup is 2.0 h old, in hot, warm",
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
  expect(found).toMatchObject({ status: "fail", observed: 13, at: NOW - 6 * HOUR_MS, moreNames: 3 });
  expect(found?.names.slice(0, 2)).toEqual([
    "BUSDT 1h in ohlcv_1h_2024 content",
    "AUSDT 1h 2024-06-01T01:00:00Z vanished",
  ]);
  await database.query("update r3a.backup_suspect set state = 'gone', closed_at = now()");
  expect(resultFor(await measure(), "backup suspects")).toMatchObject({ status: "pass" });
});
