import type { Interval } from "../contract/intervals.ts";
import { type Database, withClient } from "./connect.ts";

/** A stored candle: decimals to the last digit as text, times as epoch ms in text; null where a column has no value. */
export type StoredCandle = {
  readonly timestamp: string;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  readonly volume: string;
  readonly close_time: string | null;
  readonly quote_volume: string | null;
  readonly trades: string | null;
  readonly taker_base: string | null;
  readonly taker_quote: string | null;
};

const EPOCH_MS = (column: string) => `(extract(epoch from ${column}) * 1000)::bigint::text`;

const SELECT = `
  select ${EPOCH_MS('"timestamp"')} as timestamp, open::text, high::text, low::text, close::text, volume::text,
         ${EPOCH_MS("close_time")} as close_time, quote_volume::text, trades::text, taker_base::text, taker_quote::text
  from r3a.ohlcv_partitioned
  where coin_id = $1 and "interval" = $2 and "timestamp" >= $3::timestamptz and "timestamp" < $4::timestamptz`;

const READ_PAGE = `${SELECT} order by r3a.ohlcv_partitioned."timestamp" limit $5`;

/** The open time of the oldest one of the newest n candles, by the primary key backwards. */
const FIND_START = `
  select min("timestamp") as start from (
    select "timestamp" from r3a.ohlcv_partitioned
    where coin_id = $1 and "interval" = $2 and "timestamp" >= $3::timestamptz and "timestamp" < $4::timestamptz
    order by "timestamp" desc limit $5) as newest`;

const PAGE_ROWS = 5_000;

export type ReadRequest = {
  readonly coinId: number;
  readonly interval: Interval;
  readonly from: number | null;
  readonly to: number | null;
  /** Only so many of the newest candles of the span; null for all. */
  readonly last: number | null;
};

/** Reads a series in pages, the oldest first, so that memory never holds a long span as a whole. */
export async function* readCandles(
  db: Database,
  request: ReadRequest,
): AsyncGenerator<readonly StoredCandle[]> {
  const to = request.to === null ? "infinity" : new Date(request.to);
  let from: Date | string = request.from === null ? "-infinity" : new Date(request.from);
  if (request.last !== null) {
    const found = await withClient(db, (client) =>
      client.query<{ start: Date | null }>(FIND_START, [
        request.coinId,
        request.interval,
        from,
        to,
        request.last,
      ]),
    );
    from = found.rows[0]?.start ?? from;
  }
  for (;;) {
    const start = from;
    const { rows } = await withClient(db, (client) =>
      client.query<StoredCandle>(READ_PAGE, [request.coinId, request.interval, start, to, PAGE_ROWS]),
    );
    if (rows.length > 0) yield rows;
    const newest = rows.at(-1);
    if (newest === undefined || rows.length < PAGE_ROWS) return;
    from = new Date(Number(newest.timestamp) + 1);
  }
}
