import type pg from "pg";
import { GAP_OVERDUE_MS } from "../candle/gap-due.ts";
import { FINER } from "../candle/interval.ts";
import type { Span } from "../candle/span.ts";
import { type Interval, WIDTH_MS } from "../contract/intervals.ts";
import { FIGURES } from "./candles.ts";
import { type Database, queryRows, withClient } from "./connect.ts";
import type { OwnClient } from "./session.ts";
import { isSound } from "./sound-candle.ts";
import { msOf } from "./sql-time.ts";

/** A whole number, unlike `msOf`: for a candle that is off by less than a millisecond this is its open time too. */
const OPEN_MS = `(extract(epoch from "timestamp") * 1000)::bigint`;
const SLOT_MS = `(floor(extract(epoch from "timestamp") * 1000 / $5)::bigint * $5::bigint)`;
const rowsOf = (interval: string) => `
  from r3a.ohlcv_partitioned
  where coin_id = $1 and "interval" = ${interval} and "timestamp" >= to_timestamp($3 / 1000.0) and "timestamp" < to_timestamp($4 / 1000.0)`;
const ROWS = rowsOf("$2");

/** Neighbouring stored slots that are not adjacent; the edges of the span count as stored. */
const FIND_MISSING = `
  with slots as (
    select ${SLOT_MS} as slot ${ROWS}
    union select $3::bigint - $5::bigint union select $4::bigint
  ), pairs as (select slot, lead(slot) over (order by slot) as next from slots)
  select slot + $5::bigint as "from", next as "to" from pairs where next > slot + $5::bigint order by slot`;

/** Two candles in one slot: a misaligned candle beside a regular one, or a primary key that is broken. */
const FIND_DUPLICATES = `
  select ${SLOT_MS} as at ${ROWS} group by 1 having count(*) > 1 order by 1`;

const FIND_MISALIGNED = `
  select ${OPEN_MS} as at ${ROWS}
  and ${OPEN_MS} % $5::bigint <> 0 order by 1`;

const FIND_IMPOSSIBLE = `
  select ${OPEN_MS} as at ${ROWS}
  and not ${isSound("$5::bigint * interval '1 ms'")} order by 1`;

const FIND_ORPHANS = `
  select ${OPEN_MS} as at ${ROWS} order by 1 limit 1000`;

/**
 * Coarse candles that differ from the exact sum of all their fine candles. Only slots with every fine candle are
 * compared: a slot that lacks some is a gap and no contradiction. A value that an old row never had is no contradiction
 * either. $5 width of the coarse slot, $6 fine interval, $7 number of fine slots in a coarse one, $8 width of the fine
 * slot. The candles are grouped and not joined: the planner knows no row counts here and would loop.
 */
const FIND_CONTRADICTIONS = `
  with sums as (
    select ${SLOT_MS} as slot,
           max(open) filter (where extract(epoch from "timestamp") * 1000 = ${SLOT_MS}) as open,
           max(high) as high, min(low) as low,
           max(close) filter (where extract(epoch from "timestamp") * 1000 = ${SLOT_MS} + ($7::bigint - 1) * $8::bigint) as close,
           sum(volume) as volume, sum(quote_volume) as quote_volume, sum(trades) as trades, sum(taker_base) as taker_base,
           sum(taker_quote) as taker_quote ${rowsOf("$6")}
    group by 1 having count(*) = $7
    union all
    select ${SLOT_MS} as slot, ${FIGURES.join(", ")} ${ROWS}
  )
  select slot as at from sums group by slot
  having count(*) = 2 and (${FIGURES.map((name) => `min(${name}) <> max(${name})`).join(" or ")})
  order by slot`;

type MissingRow = { from: string; to: string };
type SeriesPart = { readonly coinId: number; readonly interval: Interval; readonly span: Span };

/** Spans (slot-aligned) of the part in which no candle is stored. */
export async function findMissing(db: Database, part: SeriesPart): Promise<readonly Span[]> {
  return withClient(db, (client) => findMissingOn(client, part));
}

/** The same, as the caller's transaction sees the candles. */
export async function findMissingOn(client: pg.ClientBase, part: SeriesPart): Promise<readonly Span[]> {
  const { rows } = await client.query<MissingRow>(FIND_MISSING, parametersOf(part));
  return rows.map(({ from, to }) => ({ from: Number(from), to: Number(to) }));
}

/** The same on a connection of its own. */
export async function findMissingIn(client: OwnClient, part: SeriesPart): Promise<readonly Span[]> {
  const rows = await client.query<MissingRow>(FIND_MISSING, parametersOf(part));
  return rows.map(({ from, to }) => ({ from: Number(from), to: Number(to) }));
}

export async function findDuplicates(db: Database, part: SeriesPart): Promise<readonly number[]> {
  return findTimes(db, FIND_DUPLICATES, parametersOf(part));
}

export async function findMisaligned(db: Database, part: SeriesPart): Promise<readonly number[]> {
  return findTimes(db, FIND_MISALIGNED, parametersOf(part));
}

/** Open times of candles with values that no candle can have. */
export async function findImpossible(db: Database, part: SeriesPart): Promise<readonly number[]> {
  return findTimes(db, FIND_IMPOSSIBLE, parametersOf(part));
}

/** Stored candles in a span that the series does not cover. */
export async function findOrphans(db: Database, part: SeriesPart): Promise<readonly number[]> {
  return findTimes(db, FIND_ORPHANS, parametersOf(part).slice(0, 4));
}

/**
 * A gap of the log, as `verify` compares it with the candles. `overdue`: open, and nobody asks for it any more;
 * `explained`: each state but open.
 */
export type LoggedGap = Span & { readonly standing: "explained" | "open" | "overdue" };

/**
 * The times are numbers: a stretch can have tens of thousands of gaps, and dates would be half of the memory of a row.
 */
const READ_LOGGED = `
  select ${msOf("g.from_ts")}, ${msOf("g.to_ts")},
         case when g.state <> 'open' then 'explained'
              when coalesce(g.next_check_at, '-infinity') < to_timestamp($6::float8 / 1000) then 'overdue'
              else 'open' end
  from r3a.ohlcv_gap_log g
  where g.coin_id = $1 and g."interval" = $2 and g.state <> 'repaired'
    and g.from_ts >= to_timestamp($3::float8 / 1000) and g.from_ts < to_timestamp($4::float8 / 1000)
    and g.to_ts > to_timestamp($5::float8 / 1000)
  order by g.from_ts`;

/**
 * Unrepaired gaps that begin in the span and end behind `reaching` (ms), by time. `now` (ms) decides which of them are
 * overdue.
 */
export async function findLogged(
  db: Database,
  { coinId, interval, span }: SeriesPart,
  { reaching, now }: { readonly reaching: number; readonly now: number },
): Promise<readonly LoggedGap[]> {
  const { rows } = await withClient(db, (client) =>
    client.query<[from: number, to: number, standing: LoggedGap["standing"]]>({
      text: READ_LOGGED,
      values: [coinId, interval, span.from, span.to, reaching, now - GAP_OVERDUE_MS],
      rowMode: "array",
    }),
  );
  return rows.map(([from, to, standing]) => ({ from, to, standing }));
}

/** Open times of candles that contradict the finer interval; none where there is no finer one. */
export async function findContradictions(db: Database, part: SeriesPart): Promise<readonly number[]> {
  const finer = FINER[part.interval];
  if (finer === null) return [];
  return findTimes(db, FIND_CONTRADICTIONS, [
    ...parametersOf(part),
    finer.fine,
    finer.count,
    WIDTH_MS[finer.fine],
  ]);
}

function parametersOf({ coinId, interval, span }: SeriesPart): unknown[] {
  return [coinId, interval, span.from, span.to, WIDTH_MS[interval]];
}

async function findTimes(db: Database, text: string, values: readonly unknown[]): Promise<readonly number[]> {
  const rows = await queryRows<{ at: string }>(db, text, [...values]);
  return rows.map(({ at }) => Number(at));
}
