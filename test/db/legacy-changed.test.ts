import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { withSession } from "../support/database/empty-database.ts";
import { type LegacyDatabase, useLegacyDatabases } from "../support/legacy/build.ts";
import { expectNothingLeft } from "../support/legacy/database.ts";
import { startRunner } from "../support/runner.ts";

/** Leaves that somebody changes while they are moved, rows that share a timestamp, and leaves of all time. */

const make = useLegacyDatabases();
const DAYS = { coins: ["BTCUSDT"], firstMonth: "2024-01", months: 2, intervals: ["1d"] } as const;

/**
 * Runs the command, and a statement when the February leaf is copied and before it can be dropped. It needs the parent,
 * which the command holds meanwhile: whose wait is older than the timeout first is ended, and must not be somebody's.
 */
async function changeBehindCopy(database: LegacyDatabase, change: string) {
  return withSession(database.url, async (client) => {
    await client.query(`set deadlock_timeout = '500ms'; begin; select from r3a.ohlcv_c1_1d_2024_02`);
    const { ended } = startRunner(["migrate-layout", "--json"], { DB_URL: database.url });
    const isCopied = `select from r3a.ohlcv_partitioned where source = 'legacy' and "timestamp" >= '2024-02-01'`;
    while ((await database.query(isCopied).catch(() => [])).length === 0) await sleep(20);
    await client.query(`${change}; commit`);
    return ended;
  });
}

test("rows that somebody adds to a leaf behind its copy are copied before it goes", async () => {
  const database = await make(DAYS);
  const run = await changeBehindCopy(
    database,
    `insert into r3a.ohlcv_c1_1d_2024_02 values (1, '1d', '2024-02-02 00:00+00', 1, 2, 0.5, 1, 3)`,
  );
  expect(run).toMatchObject({ code: 0 });
  expect(JSON.parse(run.stdout)).toMatchObject({ leaves: 2, rows: 7, added: 7, same: 0 });
  expect(await database.query(`select from r3a.ohlcv_partitioned`)).toHaveLength(7);
  await expectNothingLeft(database);
});

test("a row that somebody changes behind its copy is stored as it is now, also where their count stays", async () => {
  const database = await make(
    DAYS,
    `alter table r3a.ohlcv_partitioned drop constraint ohlcv_partitioned_pkey;
     insert into r3a.ohlcv_partitioned select coin_id, "interval", "timestamp", open, high, low, close, volume - volume
     from r3a.ohlcv_partitioned where "timestamp" = '2024-02-01 00:00+00' and volume > 0`,
  );
  const [before] = await database.query<{ volume: string }>(
    `select max(volume)::text as volume from r3a.ohlcv_partitioned where "timestamp" = '2024-02-01 00:00+00'`,
  );
  const run = await changeBehindCopy(
    database,
    `update r3a.ohlcv_c1_1d_2024_02 set volume = 777.50 where "timestamp" = '2024-02-01 00:00+00' and volume > 0`,
  );
  expect(run).toMatchObject({ code: 0 });
  expect(JSON.parse(run.stdout)).toMatchObject({ leaves: 2, rows: 7, repeated: 1, differed: 0, rejected: 0 });
  const stored = await database.query(
    `select volume::text, source from r3a.ohlcv_partitioned where "timestamp" = '2024-02-01 00:00+00'`,
  );
  expect(stored).toEqual([{ volume: "777.50", source: "legacy" }]);
  const revisions = await database.query(
    `select old_values ->> 'volume' as old, new_values ->> 'volume' as new from r3a.candle_revision order by id`,
  );
  expect(revisions).toEqual([
    { old: expect.stringMatching(/^0\.0+$/), new: before?.volume },
    { old: before?.volume, new: "777.50" },
  ]);
  await expectNothingLeft(database);
});

test("of rows that share a timestamp the fullest is stored once, and the others are kept", async () => {
  const database = await make(
    DAYS,
    `alter table r3a.ohlcv_partitioned drop constraint ohlcv_partitioned_pkey;
     delete from r3a.ohlcv_partitioned;
     insert into r3a.ohlcv_partitioned values
       (1, '1d', '2024-01-01 00:00+00', 1.0, 2, 0.5, 1, 3), (1, '1d', '2024-01-01 00:00+00', 1, 2, 0.50, 1, 3),
       (1, '1d', '2024-01-02 00:00+00', 1, 2, 0.5, 1, 3), (1, '1d', '2024-01-02 00:00+00', 1, 9, 0.5, 1, 30.10),
       (1, '1d', '2024-01-02 00:00+00', 1, 9, 0.5, 1, -5), (1, '1d', '2024-01-03 00:00+00', 1, 2, 0.5, 1, 4),
       (1, '1d', '2024-01-04 00:00+00', 1, 2, 0.5, null, 4), (1, '1d', '2024-01-04 00:00+00', 1, 2, 0.5, null, 4)`,
  );
  const run = await database.run("migrate-layout --json");
  expect(run).toMatchObject({ code: 0 });
  expect(JSON.parse(run.stdout)).toMatchObject({
    rows: 8,
    added: 3,
    same: 0,
    differed: 0,
    repeated: 4,
    rejected: 1,
  });
  const stored = await database.query(
    `select extract(day from "timestamp")::int as day, high::text, volume::text from r3a.ohlcv_partitioned order by 1`,
  );
  expect(stored).toEqual([
    { day: 1, high: "2", volume: "3" },
    { day: 2, high: "9", volume: "30.10" },
    { day: 3, high: "2", volume: "4" },
  ]);
  const revisions = await database.query(
    `select extract(day from "timestamp")::int as day, old_values ->> 'volume' as old, new_values ->> 'volume' as new, old_source
     from r3a.candle_revision order by 1, 2`,
  );
  expect(revisions).toEqual([
    { day: 2, old: "-5", new: "30.10", old_source: "legacy" },
    { day: 2, old: "3", new: "30.10", old_source: "legacy" },
    { day: 4, old: "4", new: null, old_source: "legacy" },
  ]);
  await expectNothingLeft(database);
});

test("a leaf of all time makes new leaves only where it has rows", async () => {
  const database = await make(
    { ...DAYS, intervals: ["1m"], months: 1, rowsPerLeaf: 0 },
    `drop table r3a.ohlcv_c1_1m_2024_01;
     create table r3a.wide partition of r3a.ohlcv_c1_1m for values from ('1970-01-01 00:00+00') to ('2100-01-01 00:00+00');
     insert into r3a.ohlcv_partitioned select 1, '1m', t, 1, 2, 0.5, 1, 3
     from unnest(array['1971-01-01 00:00+00', '2019-12-31 23:59+00', '2024-02-29 10:00+00']::timestamptz[]) as t`,
  );
  const run = await database.run("migrate-layout --json");
  expect(run).toMatchObject({ code: 0 });
  expect(JSON.parse(run.stdout)).toMatchObject({ rows: 3, added: 2, rejected: 1 });
  const leaves = await database.query(`select leaf::text from r3a_util.leaf_partitions() order by 1`);
  expect(leaves).toEqual([{ leaf: "r3a.ohlcv_1m_2019_12" }, { leaf: "r3a.ohlcv_1m_2024_02" }]);
});
