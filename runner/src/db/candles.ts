import { pipeline } from "node:stream/promises";
import type pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { type Candle, isMisaligned, MISALIGNED } from "../candle/candle.ts";
import type { Span } from "../candle/span.ts";
import type { Interval } from "../contract/intervals.ts";
import { type Database, queryRows } from "./connect.ts";
import { type CandleBatch, COPY_COLUMNS, renderCopyLines } from "./copy-lines.ts";
import { msOf } from "./sql-time.ts";

/** What became of the rows of one statement. */
export type Written = { readonly added: number; readonly revised: number };

/** Arrays are sent as text that is joined here: pg's own serialiser costs a quarter of the throughput. */
const INCOMING = `
  select coin_id, $1::text as "interval", to_timestamp(open_ms / 1000.0) as "timestamp", open, high, low, close, volume,
         quote_volume, trades, taker_base, taker_quote, to_timestamp(close_ms / 1000.0) as close_time,
         $2::text as source, flags
  from unnest($3::int[], $4::bigint[], $5::numeric[], $6::numeric[], $7::numeric[], $8::numeric[], $9::numeric[],
              $10::bigint[], $11::numeric[], $12::bigint[], $13::numeric[], $14::numeric[], $15::smallint[])
    as u (coin_id, open_ms, open, high, low, close, volume, close_ms, quote_volume, trades, taker_base, taker_quote, flags)`;

/**
 * For rows that must be new, since the covered span does not hold them: there is no conflict to look for, and this is
 * the cheapest way for the server.
 */
const COPY_CANDLES = `copy r3a.ohlcv_partitioned (${COPY_COLUMNS}) from stdin`;

/** The columns that say something about the market: intervals must agree in them. */
export const FIGURES = [
  "open",
  "high",
  "low",
  "close",
  "volume",
  "quote_volume",
  "trades",
  "taker_base",
  "taker_quote",
] as const;
const VALUES = [...FIGURES, "close_time"] as const;
/** Every column but those of the key. */
export const BESIDE_KEY = [...VALUES, "source", "flags"] as const;
const valuesOf = (alias: string) => VALUES.map((name) => `${alias}.${name}`).join(", ");
/** The values of a row as r3a.candle_revision has them. */
export const jsonOf = (alias: string) =>
  `jsonb_build_object(${VALUES.map((name) => `'${name}', ${alias}.${name}`).join(", ")})`;
/** A change from null to a value is no revision: databases of the old system have only five of the columns. */
const isRevision = VALUES.map((name) => `old.${name} <> new.${name}`).join(" or ");

/**
 * For rows of which most are stored already: joins the stored rows first, and touches only rows that are new or
 * different. DO UPDATE ... WHERE would lock every row and write 56 bytes of WAL for each. With the bounds of time the
 * planner reads only the leaves concerned.
 */
const UPSERT_CANDLES = `
  with incoming as materialized (${INCOMING}),
  stored as materialized (
    select t.* from r3a.ohlcv_partitioned t
    join incoming i on t.coin_id = i.coin_id and t."timestamp" = i."timestamp"
    where t."interval" = $1 and t."timestamp" >= to_timestamp($16 / 1000.0) and t."timestamp" <= to_timestamp($17 / 1000.0)
  ),
  compared as (
    select new.coin_id, new."timestamp", old.coin_id is null as is_new, coalesce(${isRevision}, false) as is_revised,
           (${valuesOf("new")}) is distinct from (${valuesOf("old")}) as differs,
           case when ${isRevision} then ${jsonOf("old")} end as old_values,
           case when ${isRevision} then ${jsonOf("new")} end as new_values,
           old.source as old_source, new.source as new_source
    from incoming new left join stored old using (coin_id, "timestamp")
  ),
  revisions as (
    insert into r3a.candle_revision (coin_id, "interval", "timestamp", old_values, new_values, old_source, new_source, run_id)
    select coin_id, $1, "timestamp", old_values, new_values, old_source, new_source, $18::uuid from compared where is_revised
  ),
  written as (
    insert into r3a.ohlcv_partitioned as t (${COPY_COLUMNS})
    select i.* from incoming i join compared c using (coin_id, "timestamp") where c.is_new or c.differs
    on conflict (coin_id, "interval", "timestamp") do update set
      ${BESIDE_KEY.map((name) => `${name} = excluded.${name}`).join(", ")}
  )
  select coin_id, (count(*) filter (where is_new))::int as added, (count(*) filter (where is_revised))::int as revised
  from compared group by coin_id`;

/**
 * Inserts rows of one interval that must be new. Where a row exists, the statement fails with a unique violation
 * (23505) and stores nothing.
 */
export async function insertCandles(
  client: pg.PoolClient,
  interval: Interval,
  batches: readonly CandleBatch[],
): Promise<Map<number, Written>> {
  if (batches.some(({ candles }) => candles.length > 0)) {
    await pipeline(renderCopyLines(interval, batches), client.query(copyFrom(COPY_CANDLES)));
  }
  const written = new Map<number, Written>();
  for (const { coinId, candles } of batches) {
    written.set(coinId, { added: (written.get(coinId)?.added ?? 0) + candles.length, revised: 0 });
  }
  return written;
}

/** Writes rows of one interval, some of which may exist. A closed candle that changed becomes a revision. */
export async function upsertCandles(
  client: pg.PoolClient,
  interval: Interval,
  { batches, runId }: { readonly batches: readonly CandleBatch[]; readonly runId: string | null },
): Promise<Map<number, Written>> {
  const { values, count, first, last } = encode(interval, batches);
  if (count === 0) return new Map();
  const { rows } = await client.query<{ coin_id: number; added: number; revised: number }>(UPSERT_CANDLES, [
    ...values,
    first,
    last,
    runId,
  ]);
  return new Map(rows.map(({ coin_id, added, revised }) => [coin_id, { added, revised }]));
}

function encode(interval: Interval, batches: readonly CandleBatch[]) {
  const all = batches.length === 1 ? (batches[0]?.candles ?? []) : batches.flatMap(({ candles }) => candles);
  // every element was checked to be a decimal or an integer, so no quoting is needed inside the array text
  const column = (pick: (candle: Candle) => string | number) => `{${all.map(pick).join(",")}}`;
  const values: unknown[] = [
    interval,
    "rest",
    `{${batches.flatMap(({ coinId, candles }) => new Array<number>(candles.length).fill(coinId)).join(",")}}`,
    column(({ openTime }) => openTime),
    column(({ open }) => open),
    column(({ high }) => high),
    column(({ low }) => low),
    column(({ close }) => close),
    column(({ volume }) => volume),
    column(({ closeTime }) => closeTime),
    column(({ quoteVolume }) => quoteVolume),
    column(({ trades }) => trades),
    column(({ takerBase }) => takerBase),
    column(({ takerQuote }) => takerQuote),
    column(({ openTime }) => (isMisaligned(interval, openTime) ? MISALIGNED : 0)),
  ];
  const first = all.reduce((min, { openTime }) => Math.min(min, openTime), Number.POSITIVE_INFINITY);
  const last = all.reduce((max, { openTime }) => Math.max(max, openTime), Number.NEGATIVE_INFINITY);
  return { values, count: all.length, first, last };
}

const FIND_OTHERS = `
  select at from (
    select ${msOf('t."timestamp"')} as at from r3a.ohlcv_partitioned t
    where t.coin_id = $1 and t."interval" = $2
      and t."timestamp" >= to_timestamp($3::float8 / 1000) and t."timestamp" < to_timestamp($4::float8 / 1000)
  ) stored
  where not exists (select from unnest($5::float8[]) as answered (open_time) where open_time = at)
  order by at`;

/** Open times (ms) of stored candles in the span that are not among `openTimes`. */
export async function findOthers(
  db: Database,
  { coinId, interval }: { readonly coinId: number; readonly interval: Interval },
  { from, to, openTimes }: Span & { readonly openTimes: readonly number[] },
): Promise<readonly number[]> {
  const rows = await queryRows<{ at: number }>(db, FIND_OTHERS, [coinId, interval, from, to, openTimes]);
  return rows.map(({ at }) => at);
}
