import type pg from "pg";
import type { FirstEvidence } from "../candle/first-candle.ts";
import type { Gap } from "../candle/gap.ts";
import { slotAtOrAfter, slotOf } from "../candle/interval.ts";
import { type Span, spanOf } from "../candle/span.ts";
import { type Interval, WIDTH_MS } from "../contract/intervals.ts";
import { type Database, withClient } from "./connect.ts";
import { GAP_COLUMNS, type GapRow, gapOf } from "./gaps.ts";
import { faultOfSeries, parseFirstEvidence, type StoredTime, storedMs } from "./series-fault.ts";

/** What the database knows of one series. Only the holder of the series' lock changes it. Times in ms. */
export type SeriesState = {
  readonly coinId: number;
  readonly symbol: string;
  readonly interval: Interval;
  readonly covered: Span | null;
  readonly lastTs: number | null;
  /**
   * Gaps that are not repaired, by time: all gaps that reach behind `gapsFrom`, where a sync works, and some of the
   * others.
   */
  readonly gaps: readonly Gap[];
  readonly gapsFrom: number;
  /** Some of the gaps for want of an answer, the earliest due first: as many as a sync asks for. */
  readonly failed: readonly Gap[];
  /** Some of the stretches before the listing: the latest ones, and those that are due first. */
  readonly unlisted: readonly Gap[];
  /** Number of open gaps of the whole series, without gaps in a span that nobody asked for. */
  readonly openGaps: number;
  readonly firstCandle: number | null;
  /** Null where nothing is stored about why the first candle is believed. */
  readonly firstEvidence?: FirstEvidence | null;
  readonly trading: boolean;
  /** What is wrong with the stored row and how to mend it; the other values of the state then mean nothing. */
  readonly fault?: string;
};

type SeriesRow = {
  coinId: number;
  symbol: string;
  coveredFrom: StoredTime;
  coveredTo: Date | null;
  isCovered: boolean;
  lastTs: Date | null;
  firstCandle: StoredTime;
  firstEvidence: unknown;
  status: string;
  openGaps: number;
};

/** An end or a last timestamp that no candle can have (infinity, year 290000) is moved to where a Date can hold it. */
const LOAD_SERIES = `
  select c.id as "coinId", c.symbol, c.first_candle as "firstCandle", c.first_evidence as "firstEvidence", c.status,
         s.covered_to is not null as "isCovered", s.covered_from as "coveredFrom",
         case when s.covered_to is not null then least(s.covered_to, '9999-01-01') end as "coveredTo",
         case when l.last_ts is not null then greatest(least(l.last_ts, now() + interval '1 day'), to_timestamp(0)) end as "lastTs",
         coalesce(n.open, 0)::int as "openGaps"
  from unnest($1::int[]) with ordinality as wanted (coin_id, n)
  join r3a.coin c on c.id = wanted.coin_id
  left join r3a.series s on s.coin_id = c.id and s."interval" = $2
  left join r3a_util.last_ts_by_coin_interval l on l.coin_id = c.id and l."interval" = $2
  left join r3a.gap_count n on n.coin_id = c.id and n."interval" = $2
  order by wanted.n`;

/**
 * A minute job asks again for fewer slots than this. So the gaps of the log that it meets are loaded with the series,
 * without a question of their own.
 */
const NEAR_CANDLES = 10;
/**
 * Where there are more gaps than slots, the log does not belong to the end of the series, and each page reads its own
 * part.
 */
const NEAR_GAPS = 20;
/** More pages than a sync asks for. */
const FEW_GAPS = 20;

const partOf = (name: string, where: string) => `
    (select g.coin_id as "coinId", '${name}' as part, ${GAP_COLUMNS} from r3a.ohlcv_gap_log g
     where g.coin_id = s.coin_id and g."interval" = $2 and ${where})`;
/**
 * Each part is read by an index of its own, and no part grows with the log: a sync of 60 series reads a few of 500,000
 * rows.
 */
const LOAD_NEAR = `
  select near.*
  from unnest($1::int[]) as wanted (coin_id)
  cross join lateral (
    select wanted.coin_id, (select k.covered_to from r3a.series k where k.coin_id = wanted.coin_id and k."interval" = $2)
  ) s
  cross join lateral (${[
    partOf(
      "near",
      `g.state <> 'repaired' and g.from_ts >= coalesce(s.covered_to - $3::interval, '-infinity') order by g.from_ts limit ${NEAR_GAPS}`,
    ),
    partOf(
      "near",
      `g.state <> 'repaired' and g.from_ts < s.covered_to - $3::interval order by g.from_ts desc limit 1`,
    ),
    partOf("failed", `g.state = 'open' and g.reason = 'failed' order by g.next_check_at limit ${FEW_GAPS}`),
    partOf("unlisted", `g.state = 'before_listing' order by g.to_ts desc limit ${FEW_GAPS}`),
    partOf("unlisted", `g.state = 'before_listing' order by g.next_check_at limit ${FEW_GAPS}`),
  ].join("\n    union all")}
  ) near`;

type NearRow = GapRow & { readonly coinId: number; readonly part: "near" | "failed" | "unlisted" };

/** States of the coins' series in the order of `coinIds`. Reads only. */
export async function loadSeries(
  db: Database,
  interval: Interval,
  coinIds: readonly number[],
): Promise<readonly SeriesState[]> {
  return withClient(db, async (client) => {
    const { rows } = await client.query<SeriesRow>(LOAD_SERIES, [coinIds, interval]);
    const near = await client.query<NearRow>(LOAD_NEAR, [coinIds, interval, `${nearMs(interval)} ms`]);
    const byCoin = Map.groupBy(near.rows, ({ coinId }) => coinId);
    return rows.map((row) => stateOf(interval, row, byCoin.get(row.coinId) ?? []));
  });
}

function nearMs(interval: Interval): number {
  return NEAR_CANDLES * WIDTH_MS[interval];
}

function stateOf(interval: Interval, row: SeriesRow, rows: readonly NearRow[]): SeriesState {
  const { coinId, symbol } = row;
  const [from, to] = [storedMs(row.coveredFrom), storedMs(row.coveredTo)];
  // the driver gives null for a date in a form that it does not know: this does not mean "nothing covered"
  const isUnread = row.isCovered && (from === null || to === null);
  const fault = isUnread
    ? `the covered span of ${symbol} ${interval} cannot be read: the session's DateStyle is not ISO (a pooler between this program and the server may change it; doctor says more)`
    : faultOfSeries({ ...row, interval }, rows);
  // a part of a slot is not covered; only a person can have written one
  const covered =
    fault === null && from !== null && to !== null
      ? spanOf(slotAtOrAfter(interval, from), slotOf(interval, to))
      : null;
  const partsOf = Map.groupBy(fault === null ? rows : [], ({ part }) => part);
  const list = (part: NearRow["part"]) =>
    [...new Map((partsOf.get(part) ?? []).map((gap) => [gap.id, gapOf(interval, gap)])).values()].toSorted(
      (a, b) => a.from - b.from,
    );
  const gaps = list("near");
  const begin = to === null ? Number.NEGATIVE_INFINITY : to - nearMs(interval);
  return {
    coinId,
    symbol,
    interval,
    covered,
    lastTs: row.lastTs?.getTime() ?? null,
    gaps,
    gapsFrom: gaps.length < NEAR_GAPS ? begin : Number.POSITIVE_INFINITY,
    failed: list("failed"),
    unlisted: list("unlisted"),
    openGaps: row.openGaps,
    firstCandle: storedMs(row.firstCandle),
    firstEvidence: parseFirstEvidence(row.firstEvidence),
    trading: row.status === "TRADING",
    ...(fault === null ? {} : { fault }),
  };
}

/** The new covered span and the newest candle of one series, which are written with its candles. */
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

/**
 * Writes covered spans and last timestamps of series of one interval, in the caller's transaction; each series once.
 */
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
