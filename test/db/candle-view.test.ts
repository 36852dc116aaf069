import { beforeAll, expect, test } from "vitest";
import { useDatabase } from "../support/database/database.ts";
import { withSession } from "../support/database/empty-database.ts";

const database = useDatabase();

const SYMBOLS = 15;
const MONTHS = ["2024-01-01Z", "2024-02-01Z", "2024-03-01Z"];
/** Two days of minutes of each symbol in each of three leaves, and the days of a year. */
const ROWS = SYMBOLS * (MONTHS.length * 2 * 1440 + 366);

beforeAll(async () => {
  await database.query(`
    insert into r3a.coin (symbol, base, quote, status)
    select name || 'USDT', name, 'USDT', 'TRADING' from (
      select 'BTC' as name union all select 'C' || n from generate_series(2, ${SYMBOLS}) n) as coins`);
  await database.query(
    `select r3a_util.make_leaf('ohlcv_1m', month, '{}') from unnest($1::timestamptz[]) as month
     union all select r3a_util.make_leaf('ohlcv_slow', '2024-01-01Z', '{}')`,
    [MONTHS],
  );
  await database.query(
    `insert into r3a.ohlcv_partitioned (coin_id, "interval", "timestamp", open, high, low, close, volume, source)
     select c.id, '1m', ts, 1.10, 2, 0.5, 1, 3, 'rest' from r3a.coin c, unnest($1::timestamptz[]) as month,
            generate_series(month + interval '9 days', month + interval '11 days - 1 min', interval '1 min') as ts
     union all
     select c.id, '1d', ts, 1.10, 2, 0.5, 1, 3, 'rest' from r3a.coin c,
            generate_series('2024-01-01Z'::timestamptz, '2024-12-31Z', interval '1 day') as ts`,
    [MONTHS],
  );
  await database.query("analyze");
});

const SPAN = `"interval" = '1m' and ts >= '2024-02-10Z' and ts < '2024-02-11Z'`;
const planOf = async (statement: string, options = "costs off") =>
  (await database.query<{ "QUERY PLAN": string }>(`explain (${options}) ${statement}`))
    .map((row) => row["QUERY PLAN"])
    .join("\n");
const leavesOf = (plan: string) =>
  [
    ...new Set(plan.match(/ohlcv_(?:1m|15m|1h|slow)_\d{4}\w*?(?=_coin|_pkey|_timestamp| |$)/gm) ?? []),
  ].toSorted();

test("the view shows the rows of the table with their symbol", async () => {
  const [counts] = await database.query(`
    select count(*)::int as rows, count(symbol)::int as named, count(distinct symbol)::int as symbols from r3a.candle`);
  expect(counts).toEqual({ rows: ROWS, named: ROWS, symbols: SYMBOLS });
  const differ = await database.query(`
    select coin_id, "interval", ts, open, high, low, close, volume, close_time, quote_volume, trades, taker_base, taker_quote, source, flags
    from r3a.candle
    except all
    select coin_id, "interval", "timestamp", open, high, low, close, volume, close_time, quote_volume, trades, taker_base, taker_quote,
           source, flags
    from r3a.ohlcv_partitioned`);
  expect(differ).toEqual([]);
});

test("a query by symbol, interval and span reads the leaf of the span by its primary key", async () => {
  const plan = await planOf(`select * from r3a.candle where symbol = 'BTCUSDT' and ${SPAN} order by ts`);
  expect(leavesOf(plan)).toEqual(["ohlcv_1m_2024_02"]);
  expect(plan).toMatch(/Index Cond: .*coin_id = c\.id.*"timestamp" >=/);
});

test("so does one whose values are known only when it runs", async () => {
  await withSession(database.url, async (client) => {
    await client.query(`
      set plan_cache_mode = force_generic_plan;
      prepare read (text, text, timestamptz, timestamptz) as
      select * from r3a.candle where symbol = $1 and "interval" = $2 and ts >= $3 and ts < $4`);
    const { rows } = await client.query<{ "QUERY PLAN": string }>(
      `explain (costs off) execute read ('BTCUSDT', '1m', '2024-02-10Z', '2024-02-11Z')`,
    );
    const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
    expect(leavesOf(plan)).toEqual(["ohlcv_1m_2024_02"]);
    expect(plan).toMatch(/Subplans Removed: 3/);
  });
});

test("the newest candle of each series is looked up in one leaf each", async () => {
  await database.query(`
    insert into r3a_util.last_ts_by_coin_interval select id, '1m', '2024-03-11 23:59Z' from r3a.coin`);
  const statement = `
    select k.close from r3a_util.last_ts_by_coin_interval l
    join r3a.candle k on k.coin_id = l.coin_id and k."interval" = l."interval" and k.ts = l.last_ts where l."interval" = '1m'`;
  const plan = await planOf(statement, "analyze, costs off, timing off, summary off");
  expect(plan).not.toContain("ohlcv_slow");
  expect(plan).toMatch(/ohlcv_1m_2024_01.*never executed/);
  expect(await database.query(statement)).toHaveLength(SYMBOLS);
});

test("without a symbol the list of symbols is not read", async () => {
  const plan = await planOf(`select ts, sum(volume) from r3a.candle where ${SPAN} group by ts`);
  expect(plan).not.toContain("coin c");
});

test("the newest candles of a series by coin_id come from the end of an index, without a sort", async () => {
  const plan = await planOf(`
    select * from r3a.candle where coin_id = (select id from r3a.coin where symbol = 'BTCUSDT') and "interval" = '1m'
    order by ts desc limit 3`);
  expect(plan).not.toContain("Sort");
  expect(plan).toContain("Index Scan Backward");
});
