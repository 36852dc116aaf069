import type { Interval } from "../contract/intervals.ts";
import { onlyRow } from "./only-row.ts";
import type { OwnClient } from "./session.ts";
import { msOf } from "./sql-time.ts";

/** A stored series, to be read. */
export type ReadSeries = { readonly coinId: number; readonly interval: Interval };

const EPOCH_MS = (column: string) => `(extract(epoch from ${column}) * 1000)::bigint::text`;

/** The columns of a candle in their order: decimals to the last digit as text, times as epoch ms in text. */
const READ = {
  timestamp: `${EPOCH_MS('"timestamp"')} as timestamp`,
  open: "open::text",
  high: "high::text",
  low: "low::text",
  close: "close::text",
  volume: "volume::text",
  close_time: `${EPOCH_MS("close_time")} as close_time`,
  quote_volume: "quote_volume::text",
  trades: "trades::text",
  taker_base: "taker_base::text",
  taker_quote: "taker_quote::text",
  source: "source",
} as const;

export type CandleColumn = keyof typeof READ;
export const CANDLE_COLUMNS = Object.keys(READ) as readonly CandleColumn[];

/** A stored candle with the columns that were asked for, and its open time; null where a column has no value. */
export type StoredCandle = Readonly<Partial<Record<CandleColumn, string | null>>> & {
  readonly timestamp: string;
};

const OF_SPAN = `
  from r3a.ohlcv_partitioned
  where coin_id = $1 and "interval" = $2 and "timestamp" >= $3::timestamptz and "timestamp" < $4::timestamptz`;

const readPage = (columns: readonly CandleColumn[]) =>
  `select ${[...new Set(["timestamp" as const, ...columns])].map((name) => READ[name]).join(", ")} ${OF_SPAN}
   order by r3a.ohlcv_partitioned."timestamp" limit $5`;

/** Of the newest n candles the oldest one, by the primary key backwards. */
const FIND_START = `
  select ${msOf("min(at)")} as start, count(*)::int as count from (
    select "timestamp" as at ${OF_SPAN} order by "timestamp" desc limit $5) as newest`;

const PAGE_ROWS = 5_000;

/** The bounds in ms, null where there is none. */
export type ReadSpan = { readonly from: number | null; readonly to: number | null };

function boundsOf({ from, to }: ReadSpan): readonly [Date | string, Date | string] {
  return [from === null ? "-infinity" : new Date(from), to === null ? "infinity" : new Date(to)];
}

/** How many of the newest `most` candles of the span there are, and the open time (ms) of the oldest one of them. */
export async function findNewest(
  client: OwnClient,
  { coinId, interval }: ReadSeries,
  { most, ...span }: ReadSpan & { readonly most: number },
): Promise<{ readonly start: number | null; readonly count: number }> {
  const values = [coinId, interval, ...boundsOf(span), most];
  return onlyRow(await client.query<{ start: number | null; count: number }>(FIND_START, values));
}

/** Reads a series in pages, the oldest first, so that memory never holds a long span as a whole. */
export async function* readCandles(
  client: OwnClient,
  { coinId, interval }: ReadSeries,
  { columns, ...span }: ReadSpan & { readonly columns: readonly CandleColumn[] },
): AsyncGenerator<readonly StoredCandle[]> {
  const statement = readPage(columns);
  const [begin, to] = boundsOf(span);
  let from = begin;
  for (;;) {
    const page = await client.query<StoredCandle>(statement, [coinId, interval, from, to, PAGE_ROWS]);
    if (page.length > 0) yield page;
    const newest = page.at(-1);
    if (newest === undefined || page.length < PAGE_ROWS) return;
    from = new Date(Number(newest.timestamp) + 1);
  }
}
