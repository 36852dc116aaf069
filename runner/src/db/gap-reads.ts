import type { Gap } from "../candle/gap.ts";
import { pageMs } from "../candle/page.ts";
import type { Span } from "../candle/span.ts";
import type { Interval } from "../contract/intervals.ts";
import type { GapRequest } from "../sync/fill-plan.ts";
import type { Coin } from "./coins.ts";
import { type Database, withClient } from "./connect.ts";
import { GAP_COLUMNS, type GapRow, gapOf, IS_ASKED, IS_IN_BACKUP, wholeSlots } from "./gaps.ts";
import { faultOfGaps } from "./series-fault.ts";
import { msOf } from "./sql-time.ts";

/** The series whose gaps are read. */
export type SeriesKey = { readonly coinId: number; readonly symbol: string; readonly interval: Interval };

const OF_SERIES = `g.coin_id = $1 and g."interval" = $2 and g.state <> 'repaired'`;

/** The gaps of a series are disjoint: of the gaps that begin before a time, only the last one can reach this time. */
const REACHES = (time: string) => `g.from_ts >= coalesce((
    select max(p.from_ts) from r3a.ohlcv_gap_log p
    where p.coin_id = $1 and p."interval" = $2 and p.state <> 'repaired' and p.from_ts < ${time}), ${time})`;

const FIND_TOUCHING = `
  select ${GAP_COLUMNS} from r3a.ohlcv_gap_log g
  where ${OF_SERIES} and ${REACHES("$3::timestamptz")} and g.to_ts >= $3 and g.from_ts <= $4::timestamptz
  order by g.from_ts`;

/** Gaps that overlap the span or touch it, by time. Reads only the rows that it returns. */
export async function findTouching(db: Database, series: SeriesKey, span: Span): Promise<readonly Gap[]> {
  return findGaps(db, FIND_TOUCHING, { ...series, ...span });
}

/**
 * Candles after a delisting are one stretch with hardly a gap in it, so a log with thousands of such gaps is not
 * written in one go.
 */
const MOST_REFUTED = 1_000;
const FIND_DELISTED = `
  select ${GAP_COLUMNS} from r3a.ohlcv_gap_log g
  where ${OF_SERIES} and g.state = 'after_delisting' and g.from_ts >= $3::timestamptz and g.from_ts < $4::timestamptz
  order by g.from_ts limit ${MOST_REFUTED}`;

/** Gaps in the state after_delisting that begin in the span: candles behind such a gap refute the state. */
export async function findDelisted(db: Database, series: SeriesKey, span: Span): Promise<readonly Gap[]> {
  return findGaps(db, FIND_DELISTED, { ...series, ...span });
}

const FIND_UNASKED = `
  select ${GAP_COLUMNS} from r3a.ohlcv_gap_log g
  where g.coin_id = $1 and g."interval" = $2 and g.state = 'not_requested' and g.next_check_at is null
    and g.to_ts > $3::timestamptz and g.from_ts < $4::timestamptz
  order by g.from_ts`;

/** Gaps in the span that no run asks for, because nobody asked before; a series has few. */
export async function findUnasked(db: Database, series: SeriesKey, span: Span): Promise<readonly Gap[]> {
  return findGaps(db, FIND_UNASKED, { ...series, ...span });
}

async function findGaps(db: Database, text: string, { from, to, ...series }: SeriesKey & Span) {
  const { rows } = await withClient(db, (client) =>
    client.query<GapRow>(text, [series.coinId, series.interval, new Date(from), new Date(to)]),
  );
  const fault = faultOfGaps(series, rows);
  if (fault !== null) throw new Error(fault);
  return rows.map((row) => gapOf(series.interval, row));
}

/** A part is small: 64 series are read together, and each part stays in memory until its requests are made. */
const PART = 300;

type SpanRow = [from: number, to: number, next: string | null, begin: string];
/** `listed`: the part of a stretch that lies before this time is left out. */
const spanOf = (listed: string) => `
  ${msOf(`case when g.state = 'before_listing' then greatest(g.from_ts, ${listed})
                           else greatest(g.from_ts, to_timestamp(0)) end`)},
  ${msOf("least(g.to_ts, '9999-01-01')")}, g.next_check_at::text, g.from_ts::text`;

const IS_DUE = `${OF_SERIES} and g.state <> 'before_listing' and g.next_check_at <= $3::timestamptz`;
/**
 * Gaps by the time at which they are due: a gap that is not due costs nothing, however many such gaps there are. One
 * span covers all due gaps within the length of a page ($6, ms) that holds the begin of a gap of the part: gaps of one
 * page are due at many times, and each took a request of its own.
 */
const READ_DUE = `
  with part as materialized (
    select * from (
      select ${spanOf("g.from_ts")}, g.next_check_at, g.from_ts from r3a.ohlcv_gap_log g
      where ${IS_DUE} and (g.next_check_at, g.from_ts) > ($4::timestamptz, $5::timestamptz)
      order by g.next_check_at, g.from_ts limit ${PART}
    ) as p (begins, ends, next, begin, next_check_at, from_ts)
  ),
  last as (select next, begin from part order by next_check_at desc, from_ts desc limit 1),
  stretch as (select floor(begins / $6::float8) as n, min(begins) as begins, max(ends) as ends from part group by 1)
  select least(s.begins, o.begins), greatest(s.ends, o.ends), (select next from last), (select begin from last)
  from stretch s cross join lateral (
    select min(begins) as begins, max(ends) as ends from (
      select ${spanOf("g.from_ts")} from r3a.ohlcv_gap_log g
      where ${IS_DUE} and g.from_ts >= to_timestamp(s.n * $6 / 1000) and g.from_ts < to_timestamp((s.n + 1) * $6 / 1000)
    ) as other (begins, ends)
  ) o`;

/** Gaps by time; each part begins where the last part ended. $5 `which`, $6 now, $7 listed. */
const READ_BY_TIME = `
  select ${spanOf("$7::timestamptz")} from r3a.ohlcv_gap_log g
  where ${OF_SERIES} and ${REACHES("$3::timestamptz")} and g.to_ts > $3 and g.from_ts < $4::timestamptz
    and case when g.state = 'before_listing' then g.to_ts > $7::timestamptz
             else case $5 when 'all' then ${IS_ASKED} when 'wanted' then g.state = 'not_requested' and not ${IS_IN_BACKUP} or g.next_check_at <= $6::timestamptz
                  else false end end
  order by g.from_ts limit ${PART}`;

/** Only the stretches before the listing, by an index that holds nothing else. */
const READ_REFUTED = `
  select ${spanOf("$4::timestamptz")} from r3a.ohlcv_gap_log g
  where g.coin_id = $1 and g."interval" = $2 and g.state = 'before_listing' and g.to_ts > $3::timestamptz
  order by g.to_ts limit ${PART}`;

/**
 * The requested gaps as spans (ms), in parts, each part by time, so that memory never holds a whole log; of the due
 * gaps, one span for the gaps of a page. Work on one part changes the log before the next part is read; what a part
 * held is not read again.
 */
export async function* readRequested(
  db: Database,
  { coinId, interval }: SeriesKey,
  request: GapRequest,
): AsyncGenerator<readonly Span[]> {
  let after: readonly [string, string] = ["-infinity", "-infinity"];
  const listed = request.which === "due" ? null : request.listed;
  const within = request.which === "due" ? null : request.within;
  let from = Math.max(within?.from ?? 0, request.which === "refuted" ? (listed ?? 0) : 0);
  const to = within === null ? "infinity" : new Date(within.to);
  const ask = (): readonly [text: string, values: readonly unknown[]] => {
    if (request.which === "due") return [READ_DUE, [new Date(request.now), ...after, pageMs(interval)]];
    if (request.which === "refuted") return [READ_REFUTED, [new Date(from), new Date(listed ?? 0)]];
    const rest = [request.which, new Date(request.now), listed === null ? "infinity" : new Date(listed)];
    return [READ_BY_TIME, [new Date(from), to, ...rest]];
  };
  // all due gaps in these spans were asked for with the first one
  const asked = new Set<number>();
  const isNew = ([begin]: SpanRow) => {
    if (request.which !== "due") return true;
    const stretch = Math.floor(begin / pageMs(interval));
    return !asked.has(stretch) && asked.add(stretch);
  };
  for (;;) {
    const [text, values] = ask();
    const { rows } = await withClient(db, (client) =>
      client.query<SpanRow>({ text, values: [coinId, interval, ...values], rowMode: "array" }),
    );
    const last = rows.at(-1);
    if (last === undefined) return;
    after = [last[2] ?? "infinity", last[3]];
    from = Math.ceil(last[1]);
    // the rows of due gaps do not say how many gaps each was made of
    const isEnd = request.which !== "due" && rows.length < PART;
    yield rows
      .filter(isNew)
      .map(([begin, end]) => wholeSlots(interval, { from: begin, to: end }))
      .toSorted((a, b) => a.from - b.from);
    if (isEnd) return;
  }
}

/** One look into an index for each coin. */
const FIND_COINS_DUE = `
  select c.id as "coinId", c.symbol from r3a.coin c
  where ($2::text[] is null or c.symbol = any($2))
    and exists (select from r3a.ohlcv_gap_log g where g.coin_id = c.id and g."interval" = $1 and g.state <> 'repaired'
                and g.next_check_at <= $3::timestamptz)
  order by c.symbol`;

/** Coins with gaps of the interval that are due by `now` (ms). */
export async function findCoinsDue(
  db: Database,
  interval: Interval,
  { symbols, now }: { readonly symbols: readonly string[] | null; readonly now: number },
): Promise<readonly Coin[]> {
  const { rows } = await withClient(db, (client) =>
    client.query<Coin>(FIND_COINS_DUE, [interval, symbols, new Date(now)]),
  );
  return rows;
}
