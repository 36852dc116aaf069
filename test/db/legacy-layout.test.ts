import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { lockKey } from "../../runner/src/db/lock.ts";
import { withSession } from "../support/database/empty-database.ts";
import { deadlineInWait } from "../support/deadline.ts";
import { useLegacyDatabases } from "../support/legacy/build.ts";
import { expectNothingLeft, objectsOf } from "../support/legacy/database.ts";
import { startRunner } from "../support/runner.ts";

/** What migrate-layout takes for the old layout, what it refuses, and what may stand in its way. */

const make = useLegacyDatabases();
const SMALL = {
  coins: ["BTCUSDT", "ETHUSDT"],
  firstMonth: "2024-01",
  months: 2,
  intervals: ["1h", "1d"],
} as const;

test("a plan says what would be moved, renamed and dropped and what space that needs, and changes nothing", async () => {
  const database = await make({ ...SMALL, intervals: ["15m", "1d"], rowsPerLeaf: 2_784 });
  const before = await objectsOf(database);
  const run = await database.run("migrate-layout --dry-run --json");
  expect(run).toMatchObject({ code: 0, stderr: "" });
  const plan = JSON.parse(run.stdout);
  expect(plan).toMatchObject({
    stage: "old",
    leaves: 8,
    coins: [
      { id: 1, symbol: "BTCUSDT", base: "BTC", quote: "USDT" },
      { id: 2, symbol: "ETHUSDT", base: "ETH", quote: "USDT" },
    ],
    renames: ["r3a.coin", "r3a.ohlcv_gap_log", "r3a_util.last_ts_by_coin_interval"],
    drops: expect.arrayContaining(["r3a_util.leaf_partitions()", "r3a_util.release_lock(text,text)"]),
  });
  for (const bytes of [plan.extraBytes, plan.walBytes]) {
    expect(bytes).toBeGreaterThan(500_000);
    expect(bytes).toBeLessThan(5e6);
  }
  const { stdout } = await database.run("migrate-layout --dry-run");
  expect(stdout).toMatch(/needs about \d+ MB of free space at its peak .* writes about \d+ MB of WAL in all/);
  expect(await objectsOf(database)).toEqual(before);
});

test("whatever could only be guessed at is refused with 78, all of it at once and before anything is changed", async () => {
  const database = await make(
    { ...SMALL, coins: ["BTC", "ETHUSDT", "ETH/USDT"] },
    `delete from r3a.coin where id = 2;
     insert into r3a.coin values (4, 'eth-usdt');
     create table r3a.five partition of r3a.ohlcv_c1 for values in ('5m') partition by range ("timestamp");
     create table r3a.five_leaf partition of r3a.five for values from ('2024-01-01') to ('2024-02-01');
     create table r3a.rest partition of r3a.ohlcv_partitioned default;
     create table r3a.four partition of r3a.ohlcv_partitioned for values in (4) partition by list ("interval");
     create table r3a.four_1d partition of r3a.four for values in ('1d') partition by range ("timestamp");
     create table r3a.four_leaf partition of r3a.four_1d for values from ('2024-01-01') to ('2024-02-01');`,
  );
  const before = await objectsOf(database);
  for (const args of ["migrate-layout", "migrate-layout --dry-run"]) {
    const { code, stderr, stdout } = await database.run(args);
    expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
    expect(stderr).toContain("r3a.five_leaf holds the interval 5m");
    expect(stderr).toContain("r3a.rest does not hold one coin, one interval and one span of time");
    expect(stderr).toContain("coin 1 is BTC, which is no market such as BTCUSDT: give --coins 1=BTCUSDT");
    expect(stderr).toContain("coin 2 has leaves but no symbol: give --coins 2=SYMBOL");
    expect(stderr).toContain("coins 3 and 4 are both ETHUSDT");
  }
  expect(await objectsOf(database)).toEqual(before);
  await database.query(`drop table r3a.five, r3a.rest, r3a.four`);
  const run = await database.run("migrate-layout --coins 1=BTCUSDT,2=SOLUSDT");
  expect(run).toMatchObject({ code: 0 });
  const coins = await database.query(`select id, symbol from r3a.coin order by 1`);
  expect(coins).toEqual([
    { id: 1, symbol: "BTCUSDT" },
    { id: 2, symbol: "SOLUSDT" },
    { id: 3, symbol: "ETHUSDT" },
  ]);
  const [next] = await database.query<{ id: number }>(
    `insert into r3a.coin (symbol, base, quote, status) values ('XUSDT', 'X', 'USDT', 'TRADING') returning id`,
  );
  expect(next?.id).toBeGreaterThan(3);
});

test("another nesting, months of another time zone, other types and leaves named like new ones are moved too", async () => {
  const database = await make(
    { coins: ["BTCUSDT"], firstMonth: "2024-01", months: 1, intervals: ["1d"], rowsPerLeaf: 0 },
    `drop table r3a.ohlcv_partitioned;
     alter table r3a.coin rename to coins;
     create table r3a.ohlcv_partitioned (coin_id bigint, "interval" varchar(8), "timestamp" timestamptz, open float8, high float8,
       low float8, close float8, volume numeric) partition by range ("timestamp");
     create index ohlcv_partitioned_brin_ts on r3a.ohlcv_partitioned using brin ("timestamp");
     create table r3a.ohlcv_1h partition of r3a.ohlcv_partitioned for values from ('2024-01-01 00:00-03') to ('2024-02-01 00:00-03') partition by list (coin_id);
     create table r3a.b partition of r3a.ohlcv_1h for values in (1) partition by list ("interval");
     create table r3a."ohlcv_1h_2024" partition of r3a.b for values in ('1h');
     create table r3a."With Space" partition of r3a.b for values in ('4h');
     insert into r3a.ohlcv_partitioned select 1, i, t, 1.5, 2, 0.25, 1, 3 from (values ('1h', interval '1 hour'), ('4h', '4 hours')) as w (i, w),
       generate_series('2024-01-01 04:00+00'::timestamptz, '2024-01-31 23:00+00', w) t`,
  );
  const run = await database.run("migrate-layout --json");
  expect(run).toMatchObject({ code: 0 });
  expect(JSON.parse(run.stdout)).toMatchObject({ leaves: 2, added: 740 + 185, rejected: 0 });
  await expectNothingLeft(database);
  const leaves = await database.query(
    `select relid::regclass::text as name from pg_partition_tree('r3a.ohlcv_partitioned') where isleaf`,
  );
  expect(leaves.map(({ name }) => name).toSorted()).toEqual(["r3a.ohlcv_1h_2024", "r3a.ohlcv_slow_2024"]);
  expect(await database.query(`select from r3a.ohlcv_gap_log where state <> 'repaired'`)).toEqual([]);
  expect(await database.query(`select symbol from r3a.coins`)).toEqual([{ symbol: "BTCUSDT" }]);
  const brin = `select from pg_indexes where schemaname = 'r3a' and indexname = 'ohlcv_partitioned_brin_ts' and tablename = 'ohlcv_partitioned'`;
  expect(await database.query(brin)).toHaveLength(1);
});

test("a second one leaves the work to the first, which ends at SIGTERM and at its deadline with the rest to do", async () => {
  const database = await make(SMALL);
  const { child, ended } = startRunner(["migrate-layout", "--rows-per-second", "3"], {
    DB_URL: database.url,
  });
  const done = `select from pg_class where relname = 'ohlcv_c1_1h_2024_02'`;
  while ((await database.query(done)).length > 0) await sleep(20);
  const second = await database.run("migrate-layout --json");
  expect([second.code, JSON.parse(second.stdout)]).toEqual([
    0,
    { version: 1, command: "migrate-layout", skipped: "another migrate-layout is at work" },
  ]);
  expect(second.stderr).toContain("another migrate-layout is at work");
  child.kill("SIGTERM");
  expect(await ended).toMatchObject({ code: 143, stdout: expect.stringContaining("leaves are left") });
  const slow = `migrate-layout --rows-per-second 1 --deadline ${deadlineInWait(second.ms)}`;
  expect(await database.run(slow)).toMatchObject({ code: 124 });
  const runs = await database.query(
    `select outcome from r3a.run where command = 'migrate-layout' order by started_at`,
  );
  expect(runs).toEqual([{ outcome: "aborted" }, { outcome: "timeout" }]);
  expect(await database.run("migrate-layout")).toMatchObject({ code: 0 });
  await expectNothingLeft(database);
});

test("a series that a sync is at waits for it, while the others are moved", async () => {
  const database = await make(SMALL);
  await withSession(database.url, async (client) => {
    await client.query(`select pg_advisory_lock($1)`, [lockKey("series", "ETHUSDT:1d")]);
    const { child, ended } = startRunner(["migrate-layout", "--json"], { DB_URL: database.url });
    const leaves = `select from pg_class where relname ~ '^ohlcv_c._1._2024_..$' and relkind = 'r'`;
    while ((await database.query(leaves)).length > 2) await sleep(20);
    await sleep(300);
    child.kill("SIGTERM");
    const run = await ended;
    expect(run.code).toBe(143);
    expect(JSON.parse(run.stdout)).toMatchObject({ leaves: 6, leavesLeft: 2, leavesFailed: 0 });
    const stored = await database.query(
      `select from r3a.ohlcv_partitioned where coin_id = 2 and "interval" = '1d'`,
    );
    expect(stored).toEqual([]);
  });
  expect(await database.run("migrate-layout")).toMatchObject({ code: 0 });
});
