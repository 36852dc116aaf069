import type { GapState } from "../candle/gap.ts";
import type { Interval } from "../contract/intervals.ts";
import { type Database, withClient } from "./connect.ts";
import { GAP_COLUMNS, type GapRow, gapOf, type SeriesGap } from "./gaps.ts";

const LISTED = `
  from r3a.ohlcv_gap_log g join r3a.coin c on c.id = g.coin_id
  where g.state = any($1::text[])
    and ($2::text[] is null or c.symbol = any($2)) and ($3::text[] is null or g."interval" = any($3))
    and g.from_ts < $5::timestamptz and g.to_ts > $4::timestamptz`;

const COUNT_LISTED = `select count(*)::float8 as gaps ${LISTED}`;

/**
 * The server keeps the answer. So this process never holds all of it, and no transaction stays open while a person
 * reads: half a million rows are printed in the memory of one part.
 */
const DECLARE_LIST = `
  declare listed no scroll cursor with hold for
  select ${GAP_COLUMNS}, g.coin_id as "coinId", c.symbol, g."interval" ${LISTED}
  order by c.symbol, g."interval", g.from_ts limit $6::int`;
const FETCH_PART = "fetch forward 500 from listed";
const CLOSE_LIST = "close listed";

export type ListedGap = SeriesGap & { readonly symbol: string };
type ListedRow = GapRow & { coinId: number; symbol: string; interval: Interval };

/** Which gaps of the log to list; null means all of them. */
export type GapFilter = {
  readonly states: readonly GapState[];
  readonly symbols: readonly string[] | null;
  readonly intervals: readonly Interval[] | null;
  readonly from: number | null;
  readonly to: number | null;
};

function valuesOf({ states, symbols, intervals, from, to }: GapFilter): unknown[] {
  const begin = from === null ? "-infinity" : new Date(from);
  return [states, symbols, intervals, begin, to === null ? "infinity" : new Date(to)];
}

export async function countGaps(db: Database, filter: GapFilter): Promise<number> {
  const { rows } = await withClient(db, (client) =>
    client.query<{ gaps: number }>(COUNT_LISTED, valuesOf(filter)),
  );
  return rows[0]?.gaps ?? 0;
}

/**
 * Gives `take` the gaps in parts, by symbol, interval and time, at most `most` of them (null: all). Returns how many
 * they were.
 */
export async function listGaps(
  db: Database,
  { most, ...filter }: GapFilter & { readonly most: number | null },
  take: (part: readonly ListedGap[]) => Promise<void>,
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
