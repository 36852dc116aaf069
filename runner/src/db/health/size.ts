import { INTERVALS, type Interval, WIDTH_MS } from "../../contract/intervals.ts";
import { leafAt } from "../../partition/layout.ts";
import { onlyRow } from "../only-row.ts";
import type { Reader } from "../session.ts";
import { msOf } from "../sql-time.ts";

/** The bytes of the database, the number of symbols with a series, and the size at an earlier run of health (`at` in ms). */
export type DatabaseSize = {
  readonly bytes: number;
  readonly symbols: number;
  readonly past: { readonly bytes: number; readonly at: number } | null;
};

const SIZE = `
  select pg_database_size(current_database())::float8 as bytes,
         (select count(distinct coin_id)::int from r3a.series where covered_to is not null) as symbols`;

/** $1 now (s). Sizes of the last week are left out: the first days of a database are a backfill, and no usual growth. */
const PAST_SIZE = `
  select observed as bytes, ${msOf("checked_at")} as at
  from r3a.health_result
  where check_name = 'size' and component = 'database' and observed is not null
    and checked_at between to_timestamp($1) - interval '30 days' and to_timestamp($1) - interval '7 days'
  order by checked_at limit 1`;

/** The slots that one interval covers, and the candles of its list partition by the statistics. No row is counted. */
export type RecordCount = {
  readonly interval: Interval;
  /** Name of the list partition. 4h and 1d share one list partition. */
  readonly parent: string;
  readonly parentCandles: number;
  readonly series: number;
  readonly slots: number;
};

/**
 * A leaf that was never analysed has reltuples -1: then the live rows of the statistics count. The query locks no leaf:
 * pg_relation_size and pg_get_expr would wait for a session that alters a leaf.
 */
const RECORDS = `
  with wanted as (select * from unnest($1::text[], $2::text[], $3::float8[]) as w ("interval", parent, width)),
  leaf as (
    select p.relname as parent,
           sum(case when c.reltuples >= 0 then c.reltuples else pg_stat_get_live_tuples(c.oid) end) as candles
    from pg_class p join pg_inherits l on l.inhparent = p.oid join pg_class c on c.oid = l.inhrelid
    where p.relnamespace = 'r3a'::regnamespace and p.relname = any($2) group by 1
  )
  select w."interval", w.parent, coalesce(l.candles, 0)::float8 as "parentCandles", count(s.coin_id)::int as series,
         (coalesce(sum(extract(epoch from s.covered_to - s.covered_from)), 0) / w.width)::float8 as slots
  from wanted w left join leaf l using (parent)
  left join r3a.series s on s."interval" = w."interval" and s.covered_to is not null
  group by w."interval", w.parent, w.width, l.candles`;

/** `now` in ms. */
export async function findSize(client: Reader, now: number): Promise<DatabaseSize> {
  const { rows } = await client.query<Omit<DatabaseSize, "past">>(SIZE);
  const past = await client.query<{ bytes: number; at: number }>(PAST_SIZE, [now / 1000]);
  return { ...onlyRow(rows), past: past.rows[0] ?? null };
}

export async function listRecordCounts(client: Reader): Promise<readonly RecordCount[]> {
  const values = [
    INTERVALS,
    INTERVALS.map((interval) => leafAt(interval, 0).parent),
    INTERVALS.map((interval) => WIDTH_MS[interval] / 1000),
  ];
  return (await client.query<RecordCount>(RECORDS, values)).rows;
}
