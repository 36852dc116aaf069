import type pg from "pg";
import type { FirstEvidence } from "../candle/first-candle.ts";
import type { Gap } from "../candle/gap.ts";
import type { Span } from "../candle/span.ts";
import type { Interval } from "../contract.ts";
import { type Database, withClient } from "./connect.ts";
import { type GapRow, gapOf } from "./gaps.ts";
import { faultOfSeries, msOf, parseFirstEvidence, type StoredTime } from "./series-fault.ts";

/** What the database knows of one series. Under the series' lock nobody else changes it. Times in ms. */
export type SeriesState = {
  readonly coinId: number;
  readonly symbol: string;
  readonly interval: Interval;
  readonly covered: Span | null;
  readonly lastTs: number | null;
  /** Every gap that is not repaired, by time. */
  readonly gaps: readonly Gap[];
  readonly firstCandle: number | null;
  /** Null where nobody wrote down why the first candle is believed. */
  readonly firstEvidence?: FirstEvidence | null;
  readonly trading: boolean;
  /** What is wrong with the stored row and how to mend it; the rest of the state then says nothing. */
  readonly fault?: string;
};

type SeriesRow = {
  coin_id: number;
  symbol: string;
  covered_from: StoredTime;
  covered_to: StoredTime;
  last_ts: Date | null;
  first_candle: StoredTime;
  first_evidence: unknown;
  status: string;
};

/** A last timestamp that no candle can have (infinity, year 290000) is brought to where a Date can hold it. */
const LOAD_SERIES = `
  select c.id as coin_id, c.symbol, s.covered_from, s.covered_to, c.first_candle, c.first_evidence, c.status,
         case when l.last_ts is not null then greatest(least(l.last_ts, now() + interval '1 day'), to_timestamp(0)) end as last_ts
  from unnest($1::int[]) with ordinality as wanted (coin_id, n)
  join r3a.coin c on c.id = wanted.coin_id
  left join r3a.series s on s.coin_id = c.id and s."interval" = $2
  left join r3a_util.last_ts_by_coin_interval l on l.coin_id = c.id and l."interval" = $2
  order by wanted.n`;

const LOAD_GAPS = `
  select id, coin_id, from_ts, to_ts, state, reason, attempts, evidence, next_check_at
  from r3a.ohlcv_gap_log
  where coin_id = any($1::int[]) and "interval" = $2 and state <> 'repaired'
  order by from_ts`;

/** States of the coins' series in the order of `coinIds`. Reads only. */
export async function loadSeries(
  db: Database,
  interval: Interval,
  coinIds: readonly number[],
): Promise<readonly SeriesState[]> {
  return withClient(db, async (client) => {
    const { rows } = await client.query<SeriesRow>(LOAD_SERIES, [coinIds, interval]);
    const gaps = await client.query<GapRow & { coin_id: number }>(LOAD_GAPS, [coinIds, interval]);
    const byCoin = Map.groupBy(gaps.rows, ({ coin_id }) => coin_id);
    return rows.map((row) => stateOf(interval, row, byCoin.get(row.coin_id) ?? []));
  });
}

function stateOf(interval: Interval, row: SeriesRow, gaps: readonly GapRow[]): SeriesState {
  const { coin_id: coinId, symbol } = row;
  const [from, to] = [msOf(row.covered_from), msOf(row.covered_to)];
  const fault = faultOfSeries({ ...row, interval }, gaps);
  const isWhole = fault === null && from !== null && to !== null;
  return {
    coinId,
    symbol,
    interval,
    covered: isWhole ? { from, to } : null,
    lastTs: row.last_ts?.getTime() ?? null,
    gaps: fault === null ? gaps.map(gapOf) : [],
    firstCandle: msOf(row.first_candle),
    firstEvidence: parseFirstEvidence(row.first_evidence),
    trading: row.status === "TRADING",
    ...(fault === null ? {} : { fault }),
  };
}

/** New covered span and newest candle of one series, to be written with its candles. */
export type SeriesUpdate = {
  readonly coinId: number;
  readonly interval: Interval;
  readonly covered: Span;
  readonly lastTs: number | null;
};

const UPDATE_COVERED = `
  insert into r3a.series as s (coin_id, "interval", covered_from, covered_to)
  select coin_id, $1, to_timestamp(from_ms / 1000.0), to_timestamp(to_ms / 1000.0)
  from unnest($2::int[], $3::bigint[], $4::bigint[]) as u (coin_id, from_ms, to_ms)
  on conflict (coin_id, "interval") do update set covered_from = excluded.covered_from, covered_to = excluded.covered_to
  where (s.covered_from, s.covered_to) is distinct from (excluded.covered_from, excluded.covered_to)`;

const RAISE_LAST_TS = `
  insert into r3a_util.last_ts_by_coin_interval as l (coin_id, "interval", last_ts)
  select coin_id, $1, to_timestamp(last_ms / 1000.0) from unnest($2::int[], $3::bigint[]) as u (coin_id, last_ms)
  on conflict (coin_id, "interval") do update set last_ts = excluded.last_ts where l.last_ts < excluded.last_ts`;

/** Writes covered spans and last timestamps of series of one interval, each series once, in the caller's transaction. */
export async function updateSeries(client: pg.PoolClient, updates: readonly SeriesUpdate[]): Promise<void> {
  const interval = updates[0]?.interval;
  if (interval === undefined) return;
  await client.query(UPDATE_COVERED, [
    interval,
    updates.map(({ coinId }) => coinId),
    updates.map(({ covered }) => covered.from),
    updates.map(({ covered }) => covered.to),
  ]);
  const stored = updates.flatMap(({ coinId, lastTs }) => (lastTs === null ? [] : [{ coinId, lastTs }]));
  if (stored.length === 0) return;
  await client.query(RAISE_LAST_TS, [
    interval,
    stored.map(({ coinId }) => coinId),
    stored.map(({ lastTs }) => lastTs),
  ]);
}
