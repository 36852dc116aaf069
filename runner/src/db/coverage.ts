import type { GapReason, GapState } from "../candle/gap.ts";
import type { Span } from "../candle/span.ts";
import type { Interval } from "../contract/intervals.ts";
import { IS_IN_BACKUP } from "./gaps.ts";
import type { ReadSeries } from "./read.ts";
import type { OwnClient } from "./session.ts";
import { msOf } from "./sql-time.ts";

/**
 * A person may have written infinity into a row. No candle lies outside these bounds, and a Date can hold them. Null stays
 * null, which greatest() and least() would pass over.
 */
const begin = (time: string) => `case when ${time} is not null then greatest(${time}, to_timestamp(0)) end`;
const end = (time: string) => `case when ${time} is not null then least(${time}, '9999-01-01') end`;

/** $1 null: every coin, $2 the intervals, $3: only series of which something was asked for. */
const FIND_COVERAGE = `
  select c.id as "coinId", c.symbol, i."interval", ${msOf(begin("s.covered_from"))} as "from", ${msOf(end("s.covered_to"))} as "to"
  from r3a.coin c
  cross join unnest($2::text[]) with ordinality as i ("interval", n)
  left join r3a.series s on s.coin_id = c.id and s."interval" = i."interval" and s.covered_to is not null
  where ($1::text[] is null or c.symbol = any($1)) and (s.coin_id is not null or not $3)
  order by c.symbol collate "C", i.n`;

type CoverageRow = {
  coinId: number;
  symbol: string;
  interval: Interval;
  from: number | null;
  to: number | null;
};

/** A series with the span that was asked for so far (ms); null where nothing was. */
export type Coverage = ReadSeries & { readonly symbol: string; readonly covered: Span | null };

/** Which series; `symbols` null: of every coin. `isStoredOnly`: those of which something was asked for. */
export type CoverageFilter = {
  readonly symbols: readonly string[] | null;
  readonly intervals: readonly Interval[];
  readonly isStoredOnly: boolean;
};

/** The series by symbol, and by interval in the order of `intervals`. */
export async function listCoverage(
  client: OwnClient,
  { symbols, intervals, isStoredOnly }: CoverageFilter,
): Promise<readonly Coverage[]> {
  const rows = await client.query<CoverageRow>(FIND_COVERAGE, [symbols, intervals, isStoredOnly]);
  return rows.map(({ from, to, ...series }) => ({
    ...series,
    covered: from !== null && to !== null && from < to ? { from, to } : null,
  }));
}

/**
 * The gaps of a series are disjoint: of those that begin before the span, only the last one can reach into it. So the
 * statement reads the gaps of the span alone.
 */
const SUM_GAPS = `
  select g.state, g.reason, ${IS_IN_BACKUP} as "inBackup", count(*)::int as gaps,
         sum(${msOf("least(g.to_ts, to_timestamp($4::float8 / 1000)) - greatest(g.from_ts, to_timestamp($3::float8 / 1000))")})::float8 as ms
  from r3a.ohlcv_gap_log g
  where g.coin_id = $1 and g."interval" = $2 and g.state <> 'repaired'
    and g.from_ts >= coalesce((
      select max(p.from_ts) from r3a.ohlcv_gap_log p
      where p.coin_id = $1 and p."interval" = $2 and p.state <> 'repaired' and p.from_ts < to_timestamp($3::float8 / 1000)
    ), to_timestamp($3::float8 / 1000))
    and g.to_ts > to_timestamp($3::float8 / 1000) and g.from_ts < to_timestamp($4::float8 / 1000)
  group by 1, 2, 3`;

/** Gaps of one kind within a span: how many, and how long together (ms). */
export type GapSum = {
  readonly state: GapState;
  readonly reason: GapReason | null;
  /** A restore loads them. */
  readonly inBackup: boolean;
  readonly gaps: number;
  readonly ms: number;
};

/** What the gap log says of the span, summed up by state and reason. */
export async function sumGaps(
  client: OwnClient,
  { coinId, interval }: ReadSeries,
  { from, to }: Span,
): Promise<readonly GapSum[]> {
  return client.query<GapSum>(SUM_GAPS, [coinId, interval, from, to]);
}

const LONGEST = `
  select ${msOf(begin("g.from_ts"))} as "from", ${msOf(end("g.to_ts"))} as "to", count(*) over ()::int as count
  from r3a.ohlcv_gap_log g
  where g.coin_id = $1 and g."interval" = $2 and g.state <> 'repaired'
  order by (g.to_ts > to_timestamp($3::float8 / 1000) and g.from_ts < to_timestamp($4::float8 / 1000)) desc,
           ${end("g.to_ts")} - ${begin("g.from_ts")} desc
  limit $5`;

/**
 * The `most` longest gaps (ms) of the series, those that touch the span first, and the number of all its gaps. Reads
 * each row of its log once.
 */
export async function findLongestGaps(
  client: OwnClient,
  { coinId, interval }: ReadSeries,
  { from, to, most }: Span & { readonly most: number },
): Promise<{ readonly gaps: readonly Span[]; readonly count: number }> {
  const rows = await client.query<Span & { readonly count: number }>(LONGEST, [
    coinId,
    interval,
    from,
    to,
    most,
  ]);
  return {
    gaps: rows.map((row) => ({ from: row.from, to: row.to })),
    count: rows[0]?.count ?? 0,
  };
}
