import { expect, test } from "vitest";
import { useLegacyDatabases } from "../support/legacy/build.ts";
import { expectNothingLeft, objectsOf } from "../support/legacy/database.ts";

/** Columns of the old table beyond the five, of other types, and under other names. */

const make = useLegacyDatabases();
const ONE = { coins: ["BTCUSDT"], firstMonth: "2024-01", months: 2, intervals: ["1h"] } as const;

const WIDE = `
  alter table r3a.ohlcv_partitioned add quote_volume float8, add trades integer, add taker_base numeric, add taker_quote real,
    add close_time timestamp;
  update r3a.ohlcv_partitioned set quote_volume = 0.1::float8 + 0.2::float8, trades = 7, taker_base = 1.10, taker_quote = 0.1,
    close_time = ("timestamp" at time zone 'UTC') + interval '1 hour' - interval '1 millisecond';
  update r3a.ohlcv_partitioned set trades = null, close_time = null where "timestamp" = '2024-01-01 00:00+00'`;

const MORE = `
  select quote_volume::text, trades::text, taker_base::text, taker_quote::text, close_time - "timestamp" as width
  from r3a.ohlcv_partitioned order by "timestamp"`;

test("every column that the new table has too is carried over with every digit, floats too", async () => {
  const database = await make(ONE, WIDE);
  const plan = await database.run("migrate-layout --dry-run --json");
  expect(JSON.parse(plan.stdout).columns.slice(5)).toEqual([
    "quote_volume",
    "trades",
    "taker_base",
    "taker_quote",
    "close_time",
  ]);
  const run = await database.run("migrate-layout --json");
  expect(run).toMatchObject({ code: 0 });
  expect(JSON.parse(run.stdout)).toMatchObject({ rows: 6, added: 6, differed: 0, rejected: 0 });
  const rows = await database.query(MORE);
  const full = {
    quote_volume: "0.30000000000000004",
    trades: "7",
    taker_base: "1.10",
    taker_quote: "0.1",
    width: { minutes: 59, seconds: 59, milliseconds: 999 },
  };
  expect(rows).toMatchObject([{ ...full, trades: null, width: null }, full, full, full, full, full]);
  await expectNothingLeft(database);
});

test("the comparison sees the other columns too, and a sync that knows more of a candle is no difference", async () => {
  const database = await make(ONE, WIDE);
  expect(await database.moveUntilGone("1h_2024_02")).toMatchObject({ code: 143 });
  await database.query(`
    create function public.spoil() returns trigger language plpgsql as $$ begin new.quote_volume := null; return new; end $$;
    create trigger spoil before insert on r3a.ohlcv_partitioned for each row execute function public.spoil()`);
  const spoiled = await database.run("migrate-layout --json");
  expect(spoiled.code).toBe(1);
  expect(spoiled.stderr).toContain(
    "the copy of r3a.ohlcv_c1_1h_2024_01 is not what the leaf holds (3 of 3 rows",
  );
  await database.query(`
    drop trigger spoil on r3a.ohlcv_partitioned;
    insert into r3a.ohlcv_partitioned (coin_id, "interval", "timestamp", open, high, low, close, volume, quote_volume, trades,
      taker_base, taker_quote, close_time, source)
    select coin_id, "interval", "timestamp", open, high, low, close, volume, quote_volume::text::numeric, trades, taker_base,
      taker_quote::text::numeric, close_time, 'rest' from r3a.ohlcv_legacy;
    update r3a.ohlcv_partitioned set trades = 9, close_time = '2024-01-01 00:59:59.999+00' where trades is null`);
  const run = await database.run("migrate-layout --json");
  expect(run).toMatchObject({ code: 0 });
  expect(JSON.parse(run.stdout)).toMatchObject({ rows: 3, added: 0, same: 3, differed: 0 });
  expect(await database.query(`select from r3a.candle_revision`)).toEqual([]);
});

test("a column without a place in the new table is refused by name, unless a person says that it may go", async () => {
  const database = await make(
    ONE,
    `alter table r3a.ohlcv_partitioned add vwap numeric, add source text, add close_time bigint;
     update r3a.ohlcv_partitioned set vwap = 5, source = 'x', close_time = 1`,
  );
  const before = await objectsOf(database);
  for (const args of [
    "migrate-layout",
    "migrate-layout --dry-run",
    "migrate-layout --drop-columns low,none",
  ]) {
    const { code, stderr } = await database.run(args);
    expect(code).toBe(78);
    expect(stderr).toContain("column vwap of r3a.ohlcv_partitioned has no place in the new table");
    expect(stderr).toContain("column source of r3a.ohlcv_partitioned has no place in the new table");
    expect(stderr).toContain("column close_time of r3a.ohlcv_partitioned is bigint, which is no time");
    expect(stderr.includes("--drop-columns names low, which a candle needs")).toBe(args.includes("low"));
    expect(stderr.includes("--drop-columns names none, which r3a.ohlcv_partitioned does not have")).toBe(
      args.includes("none"),
    );
  }
  expect(await objectsOf(database)).toEqual(before);
  const plan = await database.run("migrate-layout --dry-run --drop-columns vwap,source,close_time");
  expect(plan.stdout).toContain(
    "columns whose values are dropped (--drop-columns): vwap, source, close_time",
  );
  expect(await database.run("migrate-layout --drop-columns vwap,source,close_time")).toMatchObject({
    code: 0,
  });
  const rows = await database.query(`select distinct source, close_time from r3a.ohlcv_partitioned`);
  expect(rows).toEqual([{ source: "legacy", close_time: null }]);
});

test("what was agreed on about columns holds for the runs after the first", async () => {
  const database = await make(
    ONE,
    `alter table r3a.ohlcv_partitioned add vwap numeric, add trades integer; update r3a.ohlcv_partitioned set trades = 7`,
  );
  const first = await database.moveUntilGone("1h_2024_02", ["--drop-columns", "vwap,trades"]);
  expect(first).toMatchObject({ code: 143 });
  expect(await database.query(`select from r3a.ohlcv_legacy`)).toHaveLength(3);
  expect(await database.run("migrate-layout")).toMatchObject({ code: 0 });
  const rows = await database.query(
    `select trades, count(*)::int as rows from r3a.ohlcv_partitioned group by 1`,
  );
  expect(rows).toEqual([{ trades: null, rows: 6 }]);
});

test("a column that a candle needs and that is missing or of another type is found before anything is changed", async () => {
  const database = await make(
    ONE,
    `alter table r3a.ohlcv_partitioned rename volume to vol; alter table r3a.ohlcv_partitioned alter high type text`,
  );
  const before = await objectsOf(database);
  const { code, stderr } = await database.run("migrate-layout");
  expect(code).toBe(78);
  expect(stderr).toContain(
    "r3a.ohlcv_partitioned has no column volume, which a candle needs: rename the one",
  );
  expect(stderr).toContain("column vol of r3a.ohlcv_partitioned has no place in the new table");
  expect(stderr).toContain(
    "column high of r3a.ohlcv_partitioned is text, which is no number: alter its type",
  );
  expect(await objectsOf(database)).toEqual(before);
});

test("a number of trades that is none is a row that must not be stored", async () => {
  const database = await make(
    ONE,
    `alter table r3a.ohlcv_partitioned add trades float8, add quote_volume float8;
     update r3a.ohlcv_partitioned set trades = 3;
     update r3a.ohlcv_partitioned set trades = 1.5 where "timestamp" = '2024-02-01 00:00+00';
     update r3a.ohlcv_partitioned set quote_volume = 'NaN' where "timestamp" = '2024-01-01 00:00+00'`,
  );
  const run = await database.run("migrate-layout --json");
  expect(run).toMatchObject({ code: 0 });
  expect(JSON.parse(run.stdout)).toMatchObject({ rows: 6, added: 4, rejected: 2 });
  const kept = await database.query(
    `select old_values ->> 'trades' as trades, old_values ->> 'quote_volume' as quote from r3a.candle_revision order by "timestamp"`,
  );
  expect(kept).toEqual([
    { trades: "3", quote: "NaN" },
    { trades: "1.5", quote: null },
  ]);
});

test("an old table is known by how it is partitioned, whatever columns it has and under whatever first level", async () => {
  const COLUMNS = `coin_id integer, "interval" text, "timestamp" timestamptz, open numeric, high numeric, low numeric, close numeric,
    volume numeric, quote_volume numeric, trades bigint, taker_base numeric, taker_quote numeric, close_time timestamptz, source text, flags smallint`;
  const database = await make(
    { ...ONE, rowsPerLeaf: 0 },
    `drop table r3a.ohlcv_partitioned;
     create table r3a.ohlcv_partitioned (${COLUMNS}) partition by list ("interval");
     create table r3a.hours partition of r3a.ohlcv_partitioned for values in ('1h') partition by range ("timestamp");
     create table r3a.hours_2024 partition of r3a.hours for values from ('2024-01-01 00:00+00') to ('2025-01-01 00:00+00') partition by list (coin_id);
     create table r3a.hours_2024_c1 partition of r3a.hours_2024 for values in (1);
     insert into r3a.ohlcv_partitioned values (1, '1h', '2024-05-05 05:00+00', 1, 2, 0.5, 1, 3, 4, 5, 6, 7, '2024-05-05 05:59:59.999+00', 'x', 0)`,
  );
  const functions = `select proname, prorettype::regtype::text from pg_proc where pronamespace = 'r3a_util'::regnamespace order by 1`;
  const before = await database.query(functions);
  const refused = await database.run("migrate");
  expect(refused.code).toBe(78);
  expect(refused.stderr).toContain("run migrate-layout");
  expect(await database.query(functions)).toEqual(before);
  expect(await database.run("migrate-layout --drop-columns source,flags")).toMatchObject({ code: 0 });
  expect(await database.query(MORE)).toMatchObject([{ quote_volume: "4", trades: "5", taker_quote: "7" }]);

  await database.query(`create table r3a.rest partition of r3a.ohlcv_partitioned default`);
  expect(await database.run("migrate")).toMatchObject({ code: 0 });
  expect(await database.run("migrate-layout")).toMatchObject({
    stdout: expect.stringContaining("no old layout"),
  });
});
