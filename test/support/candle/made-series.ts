import pg from "pg";
import type { GapReason, GapState } from "../../../runner/src/candle/gap.ts";
import type { Span } from "../../../runner/src/candle/span.ts";
import { type Interval, WIDTH_MS } from "../../../runner/src/contract/intervals.ts";
import { openDatabase } from "../../../runner/src/db/connect.ts";
import { ensureLeaf } from "../../../runner/src/db/leaves.ts";
import { listLeavesOf } from "../../../runner/src/partition/layout.ts";

/** A gap of a made series; times in ms. */
export type MadeGap = Span & { readonly state?: GapState; readonly reason?: GapReason };

/** A series that is covered from `from` to `to` (ms), with a candle in each slot but for the gaps. */
export type MadeSeries = Span & {
  readonly symbol: string;
  readonly interval: Interval;
  readonly gaps?: readonly MadeGap[];
};

const ADD_COIN = `
  insert into r3a.coin (symbol, base, quote, status) values ($1, $1, 'USDT', 'TRADING')
  on conflict (symbol) do update set status = excluded.status returning id`;
const ADD_SERIES = `
  insert into r3a.series (coin_id, "interval", covered_from, covered_to)
  values ($1, $2, to_timestamp($3::float8 / 1000), to_timestamp($4::float8 / 1000))`;
const ADD_GAPS = `
  insert into r3a.ohlcv_gap_log (id, coin_id, "interval", from_ts, to_ts, state, reason)
  select gen_random_uuid(), $1, $2, to_timestamp("from" / 1000.0), to_timestamp("to" / 1000.0), coalesce(state, 'open'),
         case when state is distinct from 'not_requested' then coalesce(reason, 'absent') end
  from jsonb_to_recordset($3) as u ("from" bigint, "to" bigint, state text, reason text)`;
/** The n-th candle since 1970 costs 50000.5 and n % 1000 hundredths. */
const ADD_CANDLES = `
  insert into r3a.ohlcv_partitioned (coin_id, "interval", "timestamp", open, high, low, close, volume, quote_volume, trades,
    taker_base, taker_quote, close_time, source)
  select $1, $2, to_timestamp(at / 1000.0), p, p + 1, p - 1, p, 12.5, p * 12.5, 7, 6.25, p * 6.25,
         to_timestamp((at + $5::bigint - 1) / 1000.0), 'rest'
  from generate_series($3::bigint, $4::bigint - 1, $5::bigint) as at,
       lateral (select (50000.50 + ((at / $5::bigint) % 1000) / 100.0)::numeric(16, 8) as p) v
  where not exists (select from r3a.ohlcv_gap_log g where g.coin_id = $1 and g."interval" = $2 and g.state <> 'repaired'
                    and to_timestamp(at / 1000.0) >= g.from_ts and to_timestamp(at / 1000.0) < g.to_ts)`;

/** Adds series by SQL, as syncs would have left them: a million candles take seconds. */
export async function makeSeries(url: string, series: readonly MadeSeries[]): Promise<void> {
  const db = openDatabase(url, "made series");
  const client = new pg.Client({ connectionString: url, options: "-c synchronous_commit=off" });
  await client.connect();
  try {
    for (const { symbol, interval, from, to, gaps = [] } of series) {
      for (const leaf of listLeavesOf(interval, { from, to })) await ensureLeaf(db, leaf);
      const { rows } = await client.query<{ id: number }>(ADD_COIN, [symbol]);
      const of = [rows[0]?.id, interval];
      await client.query(ADD_SERIES, [...of, from, to]);
      await client.query(ADD_GAPS, [...of, JSON.stringify(gaps)]);
      await client.query(ADD_CANDLES, [...of, from, to, WIDTH_MS[interval]]);
    }
    await client.query("analyze r3a.ohlcv_partitioned, r3a.ohlcv_gap_log");
  } finally {
    await client.end();
    await db.pool.end();
  }
}
