import pg from "pg";
import { slotOf, WIDTH_MS } from "../runner/src/candle/interval.ts";
import { INTERVALS, type Interval } from "../runner/src/contract.ts";
import { openDatabase } from "../runner/src/db/connect.ts";
import { ensureLeaf } from "../runner/src/db/leaves.ts";
import { listLeavesOf } from "../runner/src/partition/layout.ts";

const DAY_MS = 86_400_000;
const YEARS = 6;
const DENSE_DAYS = 7;
/** Leaves that maint would have made ahead. */
const AHEAD_DAYS = 100;

/**
 * A migrated database as it is after six years of `symbols` coins, made by SQL: the last 7 days hold every candle of
 * all intervals, the years before one row per coin, interval and day, so that every leaf exists and holds rows. What
 * is covered is only what is whole (1d: all six years), and one slot of each finer series is a logged gap.
 */
export async function fillSixYears(url: string, symbols: number, now = Date.now()): Promise<void> {
  const today = slotOf("1d", now);
  const start = today - YEARS * 365 * DAY_MS;
  const dense = today - DENSE_DAYS * DAY_MS;
  await makeLeaves(url, start, now + AHEAD_DAYS * DAY_MS);
  await withFastClient(url, async (client) => {
    await client.query(ADD_COINS, [symbols, seconds(start), seconds(now)]);
    for (const interval of INTERVALS) {
      await client.query(ADD_CANDLES, [interval, seconds(start), seconds(dense), 86_400, widthOf(interval)]);
      await addNewest(client, interval, now, { from: interval === "1d" ? start : dense, dense });
    }
    await client.query(ADD_GAPS, [seconds(dense)]);
    await client.query(ADD_RUNS, [seconds(now)]);
  });
}

/** Adds the candles that closed since, as the syncs would have done: what was filled is old after a minute. */
export async function fillUpToNow(url: string, now = Date.now()): Promise<void> {
  await withFastClient(url, async (client) => {
    for (const interval of INTERVALS) await addNewest(client, interval, now, null);
    await client.query(ADD_RUNS, [seconds(now)]);
  });
}

async function makeLeaves(url: string, from: number, to: number): Promise<void> {
  const db = openDatabase(url, "six years");
  try {
    const leaves = INTERVALS.flatMap((interval) => listLeavesOf(interval, { from, to }));
    for (const leaf of new Map(leaves.map((each) => [each.name, each])).values()) await ensureLeaf(db, leaf);
  } finally {
    await db.pool.end();
  }
}

/** Every candle from where the series' cover ends, or from `first.dense`, to `now`. */
async function addNewest(
  client: pg.Client,
  interval: Interval,
  now: number,
  first: { readonly from: number; readonly dense: number } | null,
): Promise<void> {
  const to = seconds(slotOf(interval, now));
  const { rows } = await client.query<{ from: number | null }>(COVERED_TO, [interval]);
  const from = rows[0]?.from ?? seconds(first?.dense ?? now);
  await client.query(ADD_CANDLES, [interval, from, to, widthOf(interval), widthOf(interval)]);
  await client.query(EXTEND_SERIES, [interval, seconds(first?.from ?? 0), to]);
  await client.query(SET_LAST_TS, [interval, to - widthOf(interval)]);
}

const seconds = (ms: number) => ms / 1000;
const widthOf = (interval: Interval) => WIDTH_MS[interval] / 1000;

/** Without waiting for the disk at each commit. */
async function withFastClient(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    options: "-c synchronous_commit=off -c TimeZone=UTC",
  });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

const ADD_COINS = `
  with coins as (
    insert into r3a.coin (symbol, base, quote, status, first_candle, quote_volume, volume_rank, ranked_at)
    select 'C' || n || 'USDT', 'C' || n, 'USDT', 'TRADING', to_timestamp($2), 1e9 / n, n, to_timestamp($3)
    from generate_series(1, $1::int) n returning id
  ), origin as (insert into r3a.origin (exchange) values ('simulated') on conflict do nothing)
  insert into r3a.universe_member (size, coin_id, entered_at) select $1::int, id, to_timestamp($2) from coins`;

/**
 * Rows of all coins at every $4-th second of [$2, $3), $5 the width. By time, then by coin, as syncs store them. Each
 * minute is worth the same, so that coarse candles are the exact sum of the fine ones.
 */
const ADD_CANDLES = `
  insert into r3a.ohlcv_partitioned (coin_id, "interval", "timestamp", open, high, low, close, volume, quote_volume,
    trades, taker_base, taker_quote, close_time, source)
  select c.id, $1, to_timestamp(at), p, p, p, p, 1.25 * w, p * 1.25 * w, 7 * w, 0.5 * w, p * 0.5 * w,
         to_timestamp(at + $5::int) - interval '1 millisecond', 'rest'
  from generate_series($2::bigint, $3::bigint - 1, $4::int) as at cross join r3a.coin c,
       lateral (select 100.12 + c.id as p, $5::int / 60 as w) v`;

const COVERED_TO = `select extract(epoch from min(covered_to))::float8 as "from" from r3a.series where "interval" = $1`;
const EXTEND_SERIES = `
  insert into r3a.series (coin_id, "interval", covered_from, covered_to)
  select id, $1, to_timestamp($2), to_timestamp($3) from r3a.coin
  on conflict (coin_id, "interval") do update set covered_to = excluded.covered_to`;

const SET_LAST_TS = `
  insert into r3a_util.last_ts_by_coin_interval (coin_id, "interval", last_ts) select id, $1, to_timestamp($2) from r3a.coin
  on conflict (coin_id, "interval") do update set last_ts = excluded.last_ts`;

/** Takes the second slot of each series' dense part away and logs it. */
const ADD_GAPS = `
  with lost as (
    delete from r3a.ohlcv_partitioned t
    using (values ('1m', 60), ('15m', 900), ('1h', 3600), ('4h', 14400)) as w ("interval", s)
    where t."interval" = w."interval" and t."timestamp" = to_timestamp($1::bigint + w.s) returning t.coin_id, w.*
  )
  insert into r3a.ohlcv_gap_log (id, coin_id, "interval", from_ts, to_ts, state, reason, attempts, next_check_at)
  select gen_random_uuid(), coin_id, "interval", to_timestamp($1::bigint + s), to_timestamp($1::bigint + 2 * s),
         'confirmed_absent', 'absent', 2, now() + interval '30 days' from lost`;

/** A run of each interval that has just ended well, with an item for every series. */
const ADD_RUNS = `
  with runs as (
    insert into r3a.run (run_id, command, arguments, started_at, heartbeat_at, finished_at, outcome, exit_code,
      symbols_expected, symbols_ok, rows_written)
    select gen_random_uuid(), 'sync', i, to_timestamp($1) - interval '2 s', to_timestamp($1), to_timestamp($1), 'success', 0,
           (select count(*) from r3a.coin), (select count(*) from r3a.coin), (select count(*) from r3a.coin)
    from unnest(array['1m', '15m', '1h', '4h', '1d']) as i returning run_id, arguments
  )
  insert into r3a.run_item (run_id, coin_id, "interval", outcome, pages, added, repaired, revised, gaps, ms)
  select r.run_id, c.id, r.arguments, 'success', 1, 1, 0, 0, 0, 40 from runs r cross join r3a.coin c`;
