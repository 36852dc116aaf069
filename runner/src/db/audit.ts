import { FINER, WIDTH_MS } from "../candle/interval.ts";
import type { Span } from "../candle/span.ts";
import type { Interval } from "../contract.ts";
import { type Database, withClient } from "./connect.ts";

const SLOT_MS = `(floor(extract(epoch from "timestamp") * 1000 / $5)::bigint * $5::bigint)`;
const ROWS = `
  from r3a.ohlcv_partitioned
  where coin_id = $1 and "interval" = $2 and "timestamp" >= to_timestamp($3 / 1000.0) and "timestamp" < to_timestamp($4 / 1000.0)`;

/** Neighbouring stored slots that are not adjacent; the edges of the span count as stored. */
const FIND_MISSING = `
  with slots as (
    select ${SLOT_MS} as slot ${ROWS}
    union select $3::bigint - $5::bigint union select $4::bigint
  ), pairs as (select slot, lead(slot) over (order by slot) as next from slots)
  select slot + $5::bigint as "from", next as "to" from pairs where next > slot + $5::bigint order by slot`;

/** Two candles in one slot: a misaligned one beside a regular one, or a primary key that does not hold any more. */
const FIND_DUPLICATES = `
  select ${SLOT_MS} as at ${ROWS} group by 1 having count(*) > 1 order by 1`;

const FIND_MISALIGNED = `
  select (extract(epoch from "timestamp") * 1000)::bigint as at ${ROWS}
  and (extract(epoch from "timestamp") * 1000)::bigint % $5::bigint <> 0 order by 1`;

const FIND_ORPHANS = `
  select (extract(epoch from "timestamp") * 1000)::bigint as at
  from r3a.ohlcv_partitioned
  where coin_id = $1 and "interval" = $2 and "timestamp" >= to_timestamp($3 / 1000.0) and "timestamp" < to_timestamp($4 / 1000.0)
  order by 1 limit 1000`;

/**
 * Coarse candles that differ from the exact sum of all their fine ones. Only slots with every fine candle are compared:
 * an incomplete one is a gap, not a contradiction. $5 width of the coarse slot, $6 fine interval, $7 their number.
 */
const FIND_CONTRADICTIONS = `
  with fine as (
    select ${SLOT_MS} as slot,
           (array_agg(open order by "timestamp"))[1] as open, max(high) as high, min(low) as low,
           (array_agg(close order by "timestamp" desc))[1] as close, sum(volume) as volume,
           sum(quote_volume) as quote_volume, sum(trades) as trades, sum(taker_base) as taker_base, sum(taker_quote) as taker_quote
    from r3a.ohlcv_partitioned
    where coin_id = $1 and "interval" = $6 and "timestamp" >= to_timestamp($3 / 1000.0) and "timestamp" < to_timestamp($4 / 1000.0)
    group by 1 having count(*) = $7
  ), coarse as (
    select ${SLOT_MS} as slot, open, high, low, close, volume, quote_volume, trades, taker_base, taker_quote ${ROWS}
  )
  select slot as at from coarse c join fine f using (slot)
  where (c.open, c.high, c.low, c.close, c.volume) is distinct from (f.open, f.high, f.low, f.close, f.volume)
     or c.quote_volume <> f.quote_volume or c.trades <> f.trades or c.taker_base <> f.taker_base or c.taker_quote <> f.taker_quote
  order by 1`;

export type SeriesPart = { readonly coinId: number; readonly interval: Interval; readonly span: Span };

/** Spans (slot-aligned) of the part in which no candle is stored. */
export async function findMissing(db: Database, part: SeriesPart): Promise<readonly Span[]> {
  const { rows } = await withClient(db, (client) =>
    client.query<{ from: string; to: string }>(FIND_MISSING, parametersOf(part)),
  );
  return rows.map(({ from, to }) => ({ from: Number(from), to: Number(to) }));
}

export async function findDuplicates(db: Database, part: SeriesPart): Promise<readonly number[]> {
  return findTimes(db, FIND_DUPLICATES, parametersOf(part));
}

export async function findMisaligned(db: Database, part: SeriesPart): Promise<readonly number[]> {
  return findTimes(db, FIND_MISALIGNED, parametersOf(part));
}

/** Stored candles in a span that the series does not cover. */
export async function findOrphans(db: Database, part: SeriesPart): Promise<readonly number[]> {
  return findTimes(db, FIND_ORPHANS, parametersOf(part).slice(0, 4));
}

/** Open times of candles that contradict the finer interval; none where there is no finer one. */
export async function findContradictions(db: Database, part: SeriesPart): Promise<readonly number[]> {
  const finer = FINER[part.interval];
  if (finer === null) return [];
  return findTimes(db, FIND_CONTRADICTIONS, [...parametersOf(part), finer.fine, finer.count]);
}

function parametersOf({ coinId, interval, span }: SeriesPart): unknown[] {
  return [coinId, interval, span.from, span.to, WIDTH_MS[interval]];
}

async function findTimes(db: Database, text: string, values: readonly unknown[]): Promise<readonly number[]> {
  const { rows } = await withClient(db, (client) => client.query<{ at: string }>(text, [...values]));
  return rows.map(({ at }) => Number(at));
}
