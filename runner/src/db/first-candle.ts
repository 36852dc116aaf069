import type { FirstEvidence } from "../candle/first-candle.ts";
import type { Interval } from "../contract/intervals.ts";
import { type Database, queryRows } from "./connect.ts";
import { withTransaction } from "./session.ts";
import { msOf } from "./sql-time.ts";

/** Two runs may ask at the same time: the earlier answer stays, unless it is the one that was just found impossible. */
const SET_FIRST_CANDLE = `
  update r3a.coin set first_candle = to_timestamp($2 / 1000.0), first_evidence = $3
  where id = $1 and (first_candle is null or first_candle >= to_timestamp($2 / 1000.0)
    or first_candle not between '2017-01-01 00:00:00+00' and to_timestamp($4 / 1000.0))`;

/** A gap that was logged as before the listing, and does not lie before it any more, is due now, in every interval. */
const REFUTE_BEFORE_LISTING = `
  update r3a.ohlcv_gap_log set next_check_at = to_timestamp($3 / 1000.0), updated_at = now()
  where coin_id = $1 and state = 'before_listing' and to_ts > to_timestamp($2 / 1000.0)
    and (next_check_at is null or next_check_at > to_timestamp($3 / 1000.0))`;

const FIRST_STORED = `
  select ${msOf('min("timestamp")')} as first
  from r3a.ohlcv_partitioned where coin_id = $1 and "interval" = $2`;

/**
 * A first candle, with the reason to believe it. `before`: the candle that was believed until now; `now`: the time of
 * the exchange (ms).
 */
export type FirstUpdate = {
  readonly firstCandle: number;
  readonly firstEvidence: FirstEvidence;
  readonly before: number | null;
  readonly now: number;
};

export async function setFirstCandle(db: Database, coinId: number, update: FirstUpdate): Promise<void> {
  const { firstCandle, firstEvidence, before, now } = update;
  await withTransaction(db, async (client) => {
    await client.query(SET_FIRST_CANDLE, [coinId, firstCandle, firstEvidence, now]);
    if (before !== null && before !== firstCandle)
      await client.query(REFUTE_BEFORE_LISTING, [coinId, firstCandle, now]);
  });
}

/** Open time (ms) of the oldest stored candle of a series, null where none is stored. */
export async function findFirstStored(
  db: Database,
  coinId: number,
  interval: Interval,
): Promise<number | null> {
  const rows = await queryRows<{ first: number | null }>(db, FIRST_STORED, [coinId, interval]);
  return rows[0]?.first ?? null;
}
