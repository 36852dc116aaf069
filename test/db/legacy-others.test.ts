import { randomBytes } from "node:crypto";
import { afterEach, expect, inject, test } from "vitest";
import { withSession } from "../support/database/empty-database.ts";
import { useLegacyDatabases } from "../support/legacy/build.ts";
import { expectNothingLeft, objectsOf } from "../support/legacy/database.ts";

/** What others have built on the old tables: rights, publications, views, functions, foreign keys, and ids of coins. */

const roles: string[] = [];
// registered first, so it runs last: a role goes after the databases that know it
afterEach(async () => {
  for (const role of roles.splice(0))
    await withSession(inject("adminUrl"), (client) => client.query(`drop role if exists ${role}`));
});
const make = useLegacyDatabases();
const SMALL = { coins: ["BTCUSDT", "ETHUSDT"], firstMonth: "2024-01", months: 1, intervals: ["1d"] } as const;

function makeRole(): string {
  const role = `r3a_test_${randomBytes(4).toString("hex")}`;
  roles.push(role);
  return role;
}

test("who could read or write an old table can do so with the new one of its name", async () => {
  const [reader, writer, owner] = [makeRole(), makeRole(), makeRole()];
  const database = await make(
    SMALL,
    `create role ${reader}; create role ${writer}; create role ${owner};
     grant usage on schema r3a, r3a_util to ${reader}, ${writer}, ${owner};
     grant select on r3a.ohlcv_partitioned, r3a.ohlcv_gap_log, r3a_util.last_ts_by_coin_interval to ${reader};
     grant select (id, symbol) on r3a.coin to ${reader};
     grant select, insert on r3a.ohlcv_partitioned to ${writer} with grant option;
     grant select on r3a_util.last_ts_by_coin_interval to public;
     alter table r3a.coin owner to ${owner};
     create policy own on r3a.coin using (id = 1);
     create function public.tell() returns trigger language plpgsql as 'begin return new; end';
     create trigger tell after insert on r3a.ohlcv_partitioned for each row execute function public.tell();
     create publication old_candles for table r3a.ohlcv_partitioned`,
  );
  const plan = await database.run("migrate-layout --dry-run");
  expect(plan.stdout).toContain(
    `rights of ${reader} are taken over: r3a.coin, r3a.ohlcv_gap_log, r3a.ohlcv_partitioned, r3a_util.last_ts_by_coin_interval`,
  );
  expect(plan.stdout).toContain(`rights of ${writer} are taken over: r3a.ohlcv_partitioned`);
  expect(plan.stdout).toContain("publication old_candles names old tables");
  expect(plan.stdout).toContain("policy own on table r3a.coin is not taken over");
  expect(plan.stdout).toContain("trigger tell on table r3a.ohlcv_partitioned is not taken over");
  const run = await database.run("migrate-layout");
  expect(run).toMatchObject({ code: 0 });
  expect(run.stderr).toContain("publication old_candles names old tables");
  const as = (role: string, statement: string) => database.query(`set role ${role}; ${statement}`);
  for (const [role, statement] of [
    [reader, "select from r3a.ohlcv_partitioned"],
    [reader, "select from r3a.ohlcv_gap_log"],
    [reader, "select from r3a_util.last_ts_by_coin_interval"],
    [reader, "select id, symbol from r3a.coin"],
    [writer, "select from r3a_util.last_ts_by_coin_interval"],
    [writer, `insert into r3a.ohlcv_partitioned values (1, '1d', '2024-01-31 00:00+00', 1, 2, 0.5, 1, 3)`],
    [writer, `grant select on r3a.ohlcv_partitioned to ${owner}`],
    [owner, "update r3a.coin set status = 'TRADING'"],
  ] as const)
    await as(role, statement);
  await expect(as(reader, "select status from r3a.coin")).rejects.toThrow("permission denied");
  await expect(as(reader, "delete from r3a.ohlcv_partitioned")).rejects.toThrow("permission denied");
  await expectNothingLeft(database);
});

test("what would stop the move half-way is refused with 78, each by name and before anything is changed", async () => {
  const database = await make(
    SMALL,
    `create view public.leaves as select * from r3a_util.leaf_partitions();
     create view public.january as select * from r3a.ohlcv_c1_1d_2024_01;
     create materialized view public.first_coin as select * from r3a.ohlcv_c1;
     create function public.newest() returns timestamptz begin atomic select max("timestamp") from r3a.ohlcv_c2_1d_2024_01; end;
     create function public.rows_of() returns setof r3a.ohlcv_c2_1d_2024_01 language sql as 'select * from r3a.ohlcv_c2_1d_2024_01';
     create table public.pick (c int, i text, t timestamptz, constraint pick_candle foreign key (c, i, t) references r3a.ohlcv_partitioned);
     create table r3a.coin_legacy (id int);
     create table r3a.ohlcv_legacy (id int)`,
  );
  const before = await objectsOf(database);
  for (const args of ["migrate-layout", "migrate-layout --dry-run"]) {
    const { code, stderr } = await database.run(args);
    expect(code).toBe(78);
    expect(stderr).toContain(
      "view public.leaves uses r3a_util.leaf_partitions(), which the new schema replaces: drop it",
    );
    expect(stderr).toContain(
      "view public.january depends on r3a.ohlcv_c1_1d_2024_01, which is dropped when its candles are moved",
    );
    expect(stderr).toContain("materialized view public.first_coin depends on r3a.ohlcv_c1,");
    expect(stderr).toContain("function public.newest() depends on r3a.ohlcv_c2_1d_2024_01,");
    expect(stderr).toContain("function public.rows_of() depends on r3a.ohlcv_c2_1d_2024_01,");
    expect(stderr).toContain(
      "constraint pick_candle on table public.pick refers to candles of r3a.ohlcv_partitioned",
    );
    expect(stderr).toContain("r3a.coin_legacy has a name that the move needs");
    expect(stderr).toContain("r3a.ohlcv_legacy has a name that the move needs");
  }
  expect(await objectsOf(database)).toEqual(before);
  await database.query(`drop view leaves, january; drop materialized view first_coin; drop function newest(), rows_of();
    drop table public.pick, r3a.coin_legacy, r3a.ohlcv_legacy`);
  expect(await database.run("migrate-layout")).toMatchObject({ code: 0 });
});

test("what goes on reading an old table is named at once, and its table is not dropped from under it", async () => {
  const database = await make(
    SMALL,
    `insert into r3a.ohlcv_gap_log (coin_id, "interval", gap_start, gap_end) values (1, '1d', '2024-01-05', '2024-01-06');
     create view public.gaps as select * from r3a.ohlcv_gap_log;
     create view r3a_util.lock_holder as select max("timestamp") from r3a.ohlcv_partitioned;
     create view public.fresh as select max(last_ts) from r3a_util.last_ts_by_coin_interval;
     create function public.count_all() returns bigint begin atomic select count(*) from r3a.ohlcv_partitioned; end;
     create table public.trade (coin_id int, constraint trade_coin foreign key (coin_id) references r3a.coin)`,
  );
  const plan = await database.run("migrate-layout --dry-run --json");
  expect(JSON.parse(plan.stdout).readers).toEqual([
    { name: "constraint trade_coin on table public.trade", on: "r3a.coin" },
    { name: "function public.count_all()", on: "r3a.ohlcv_partitioned" },
    { name: "view public.fresh", on: "r3a_util.last_ts_by_coin_interval" },
    { name: "view public.gaps", on: "r3a.ohlcv_gap_log" },
    { name: "view r3a_util.lock_holder", on: "r3a.ohlcv_partitioned" },
  ]);
  const run = await database.run("migrate-layout");
  expect(run.code).toBe(1);
  expect(run.stderr).toContain("view public.gaps read(s) the old table r3a.ohlcv_gap_log");
  expect(run.stderr).toContain(
    "all candles are moved, but function public.count_all() still read(s) r3a.ohlcv_legacy",
  );
  expect(run.stderr).toContain("view public.fresh still read(s) r3a_util.last_ts_by_coin_interval_legacy");
  expect(run.stderr).toContain("view r3a_util.lock_holder_legacy still read(s) r3a.ohlcv_legacy");
  await database.query(`drop view fresh, r3a_util.lock_holder_legacy; drop function count_all()`);
  const last = await database.run("migrate-layout --json");
  expect(last).toMatchObject({ code: 0 });
  expect(JSON.parse(last.stdout).kept).toEqual(["r3a.coin_legacy", "r3a.ohlcv_gap_log_legacy"]);
  expect(await database.query(`select from public.gaps`)).toHaveLength(1);
  await expectNothingLeft(database);
});

test("every old coin keeps its id, and a new one gets none that an old one had", async () => {
  const database = await make(
    SMALL,
    `alter table r3a.coin alter symbol drop not null;
     alter table r3a.ohlcv_partitioned add foreign key (coin_id) references r3a.coin;
     insert into r3a.coin values (7, 'SOLUSDT'), (8, null), (9, 'eth/usdt'), (30, 'gold')`,
  );
  const plan = await database.run("migrate-layout --dry-run --json");
  expect(JSON.parse(plan.stdout)).toMatchObject({ coinsLeft: [8, 9, 30] });
  expect(await database.run("migrate-layout --coins 31=XRPUSDT")).toMatchObject({ code: 0 });
  const coins = await database.query(`select id, symbol from r3a.coin order by 1`);
  expect(coins).toEqual([
    { id: 1, symbol: "BTCUSDT" },
    { id: 2, symbol: "ETHUSDT" },
    { id: 7, symbol: "SOLUSDT" },
    { id: 31, symbol: "XRPUSDT" },
  ]);
  const [next] = await database.query<{ id: number }>(
    `insert into r3a.coin (symbol, base, quote, status) values ('XUSDT', 'X', 'USDT', 'TRADING') returning id`,
  );
  expect(next?.id).toBeGreaterThan(31);
});

test("a coin with leaves whose symbol is null is a fault that names the option that helps", async () => {
  const database = await make(
    SMALL,
    `alter table r3a.coin alter symbol drop not null; update r3a.coin set symbol = null where id = 2`,
  );
  const run = await database.run("migrate-layout");
  expect(run.code).toBe(78);
  expect(run.stderr).toContain("coin 2 has leaves but no symbol: give --coins 2=SYMBOL");
  expect(await database.run("migrate-layout --coins 2=ETHUSDT")).toMatchObject({ code: 0 });
});
