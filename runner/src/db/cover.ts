import type { Span } from "../candle/span.ts";
import { type Interval, WIDTH_MS } from "../contract/intervals.ts";
import { type Database, queryRows } from "./connect.ts";
import { onlyRow } from "./only-row.ts";
import { withTransaction } from "./session.ts";
import { msOf } from "./sql-time.ts";

type Series = { readonly coinId: number; readonly interval: Interval };

/** Reads the primary key backwards, from the newest leaf on. */
const FIND_NEWEST = `
  select ${msOf("clock_timestamp()")} as now,
         (select ${msOf('t."timestamp"')} from r3a.ohlcv_partitioned t
          where t.coin_id = $1 and t."interval" = $2
            and t."timestamp" <= greatest(clock_timestamp(), to_timestamp($3::float8 / 1000)) - $4::interval
          order by t."timestamp" desc limit 1) as newest`;

/** The database's clock, and the open time of the newest stored candle that has closed by it or by `now`; all in ms. */
export async function findNewestClosed(
  db: Database,
  { coinId, interval }: Series,
  now: number,
): Promise<{ readonly now: number; readonly newest: number | null }> {
  return onlyRow(await queryRows(db, FIND_NEWEST, [coinId, interval, now, `${WIDTH_MS[interval]} ms`]));
}

/** Each series by the primary key, backwards from the end of the span. */
const LIST_NEWEST = `
  select c.id as "coinId", n.at from unnest($1::int[]) as c (id)
  cross join lateral (
    select ${msOf('t."timestamp"')} as at from r3a.ohlcv_partitioned t
    where t.coin_id = c.id and t."interval" = $2
      and t."timestamp" >= to_timestamp($3::float8 / 1000) and t."timestamp" < to_timestamp($4::float8 / 1000)
    order by t."timestamp" desc limit 1) n`;

/** The open time (ms) of the newest stored candle in the span, by coin; a coin without one is left out. */
export async function listNewestIn(
  db: Database,
  interval: Interval,
  { coinIds, span }: { readonly coinIds: readonly number[]; readonly span: Span },
): Promise<ReadonlyMap<number, number>> {
  const values = [coinIds, interval, span.from, span.to];
  const rows = await queryRows<{ coinId: number; at: number }>(db, LIST_NEWEST, values);
  return new Map(rows.map(({ coinId, at }) => [coinId, at]));
}

const OF_SERIES = `coin_id = $1 and "interval" = $2`;
/** $3 null: the series covers nothing any more. */
const CUT_SERIES = `
  update r3a.series set covered_to = to_timestamp($3::float8 / 1000),
         covered_from = case when $3::float8 is not null then covered_from end
  where ${OF_SERIES}`;
const DELETE_GAPS = `
  delete from r3a.ohlcv_gap_log where ${OF_SERIES} and state <> 'repaired'
    and from_ts >= coalesce(to_timestamp($3::float8 / 1000), '-infinity')`;
const CUT_GAPS = `
  update r3a.ohlcv_gap_log set to_ts = to_timestamp($3::float8 / 1000), updated_at = now()
  where ${OF_SERIES} and state <> 'repaired' and to_ts > to_timestamp($3::float8 / 1000)`;

/**
 * Ends the covered span of the series at `to` (ms; null: it covers nothing), and removes what the gap log says of later
 * slots.
 */
export async function cutCover(db: Database, { coinId, interval }: Series, to: number | null): Promise<void> {
  await withTransaction(db, async (client) => {
    for (const text of [DELETE_GAPS, CUT_GAPS, CUT_SERIES]) await client.query(text, [coinId, interval, to]);
  });
}
