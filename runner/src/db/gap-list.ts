import type { GapState } from "../candle/gap.ts";
import type { Span } from "../candle/span.ts";
import type { Interval } from "../contract/intervals.ts";
import { type Database, withClient } from "./connect.ts";
import { type GapRow, gapOf, IS_ASKED, IS_IN_BACKUP, type SeriesGap, wholeSlots } from "./gaps.ts";
import { onlyRow } from "./only-row.ts";
import { msOf } from "./sql-time.ts";

const OF_LOG = `
  from r3a.ohlcv_gap_log g join r3a.coin c on c.id = g.coin_id
  where ($1::text[] is null or c.symbol = any($1)) and ($2::text[] is null or g."interval" = any($2))`;
const LISTED = `${OF_LOG}
    and g.state = any($3::text[]) and g.from_ts < $5::timestamptz and g.to_ts > $4::timestamptz
    and ($6::timestamptz is null or g.next_check_at <= $6) and (not $7::boolean or ${IS_ASKED})`;

const COUNT_LISTED = `select count(*)::float8 as gaps, (count(*) filter (where ${IS_IN_BACKUP}))::float8 as "inBackup" ${LISTED}`;

/** A time that a Date cannot hold (only a person can have written it) is moved to where a Date can. */
const bounded = (time: string) => `greatest(least(${time}, '9999-01-01'), to_timestamp(0))`;

/**
 * The server keeps the answer. So this process never holds all of it, and no transaction stays open while a person
 * reads: half a million rows are printed in the memory of one part.
 */
const DECLARE_LIST = `
  declare listed no scroll cursor with hold for
  select g.id, ${bounded("g.from_ts")} as "fromTs", ${bounded("g.to_ts")} as "toTs", g.state, g.reason, g.attempts, g.evidence,
         case when g.next_check_at is not null then ${bounded("g.next_check_at")} end as "nextCheckAt",
         g.coin_id as "coinId", c.symbol, g."interval" ${LISTED}
  order by c.symbol, g."interval", g.from_ts limit $8::int`;
/** What a repair needs before its work, as numbers alone: with all columns 500,000 gaps took 20 MB more of a job's memory. */
const DECLARE_SPANS = `
  declare listed no scroll cursor with hold for
  select c.symbol, ${msOf(bounded("g.from_ts"))}, ${msOf(bounded("g.to_ts"))} ${LISTED}
  order by c.symbol, g.from_ts`;
const FETCH_PART = "fetch forward 250 from listed";
const CLOSE_LIST = "close listed";

export type ListedGap = SeriesGap & { readonly symbol: string };
type ListedRow = GapRow & { coinId: number; symbol: string; interval: Interval };

/** The series whose gaps are meant; null means all of them. */
export type GapScope = {
  readonly symbols: readonly string[] | null;
  readonly intervals: readonly Interval[] | null;
};

/**
 * Which gaps of the log to list, by state and span (ms, null: no end); `dueBy` (ms): only those that are due by then;
 * `isAsked`: none that a run does not ask for because nobody asked before.
 */
export type GapFilter = GapScope & {
  readonly states: readonly GapState[];
  readonly from: number | null;
  readonly to: number | null;
  readonly dueBy?: number;
  readonly isAsked?: boolean;
};

function valuesOf({ states, symbols, intervals, from, to, dueBy, isAsked = false }: GapFilter): unknown[] {
  const begin = from === null ? "-infinity" : new Date(from);
  const end = to === null ? "infinity" : new Date(to);
  return [symbols, intervals, states, begin, end, dueBy === undefined ? null : new Date(dueBy), isAsked];
}

/** Gaps of one kind; `inBackup`: those of them that a restore loads. */
export type GapCount = { readonly gaps: number; readonly inBackup: number };

export async function countGaps(db: Database, filter: GapFilter): Promise<GapCount> {
  const { rows } = await withClient(db, (client) => client.query<GapCount>(COUNT_LISTED, valuesOf(filter)));
  return onlyRow(rows);
}

/** The gaps of the scope that no run asks for. */
export async function countUnasked(
  db: Database,
  scope: Omit<GapFilter, "states">,
): Promise<{ readonly notRequested: number; readonly inBackup: number }> {
  const { gaps, inBackup } = await countGaps(db, { ...scope, states: ["not_requested"] });
  return { notRequested: gaps, inBackup };
}

/** `inBackup`: of those that were not requested, the ones that a restore loads. `nextCheckAt` (ms): when the first gap that is not repaired is due; null: no job asks for any. */
export type LogState = {
  readonly open: number;
  readonly notRequested: number;
  readonly inBackup: number;
  readonly nextCheckAt: number | null;
};

const SUM_UP = `
  select count(*) filter (where g.state = 'open')::float8 as open,
         count(*) filter (where g.state = 'not_requested')::float8 as "notRequested",
         count(*) filter (where ${IS_IN_BACKUP})::float8 as "inBackup",
         ${msOf(bounded("min(g.next_check_at)"))} as "nextCheckAt",
         min(g.next_check_at) is null as "isNever"
  ${OF_LOG} and g.state <> 'repaired'`;

export async function sumUpGaps(db: Database, { symbols, intervals }: GapScope): Promise<LogState> {
  const { rows } = await withClient(db, (client) =>
    client.query<LogState & { isNever: boolean }>(SUM_UP, [symbols, intervals]),
  );
  const [sum] = rows;
  if (sum === undefined) return { open: 0, notRequested: 0, inBackup: 0, nextCheckAt: null };
  const { nextCheckAt, isNever, ...counts } = sum;
  return { ...counts, nextCheckAt: isNever ? null : nextCheckAt };
}

/**
 * Gives `take` the gaps in parts, by symbol, interval and time, at most `most` of them (null: all). Returns how many
 * they were.
 */
export async function listGaps(
  db: Database,
  { most, ...filter }: GapFilter & { readonly most: number | null },
  take: (part: readonly ListedGap[]) => Promise<void> | void,
): Promise<number> {
  return withClient(db, async (client) => {
    await client.query(DECLARE_LIST, [...valuesOf(filter), most]);
    for (let listed = 0; ; ) {
      const { rows } = await client.query<ListedRow>(FETCH_PART);
      listed += rows.length;
      if (rows.length === 0) {
        await client.query(CLOSE_LIST);
        return listed;
      }
      await take(
        rows.map((row) => ({
          ...gapOf(row.interval, row),
          coinId: row.coinId,
          symbol: row.symbol,
          interval: row.interval,
        })),
      );
    }
  });
}

type SpanRow = [symbol: string, from: number, to: number];

/** Gives `take` the spans of one interval's gaps, by symbol and time. */
export async function listSpans(
  db: Database,
  { interval, ...filter }: Omit<GapFilter, "intervals"> & { readonly interval: Interval },
  take: (symbol: string, span: Span) => void,
): Promise<void> {
  await withClient(db, async (client) => {
    await client.query(DECLARE_SPANS, valuesOf({ ...filter, intervals: [interval] }));
    for (;;) {
      const { rows } = await client.query<SpanRow>({ text: FETCH_PART, rowMode: "array" });
      if (rows.length === 0) break;
      for (const [symbol, from, to] of rows) take(symbol, wholeSlots(interval, { from, to }));
    }
    await client.query(CLOSE_LIST);
  });
}
