import type pg from "pg";
import type { Gap } from "../candle/gap.ts";
import { WIDTH_MS } from "../candle/interval.ts";
import type { Span } from "../candle/span.ts";
import { type Database, withTransaction } from "./connect.ts";
import { type GapRow, gapOf, upsertGaps } from "./gaps.ts";
import type { LegacyLeaf } from "./legacy-catalog.ts";
import { updateSeries } from "./series.ts";

/** What became of an old leaf's rows. `rows` is their sum; `differed`: the new system has other values of them. */
export type LeafTally = {
  readonly rows: number;
  readonly added: number;
  readonly same: number;
  readonly differed: number;
  readonly rejected: number;
};

/** A row that must not be stored; `at` its open time (ms). */
export type RejectedAt = { readonly at: number; readonly reason: string; readonly raw: string };

type Moved = LeafTally & {
  readonly first: number | null;
  readonly last: number | null;
  readonly rejections: readonly RejectedAt[] | null;
};

const VALUES = ["open", "high", "low", "close", "volume"];
const listOf = (alias: string) => VALUES.map((name) => `${alias}.${name}`).join(", ");
const jsonOf = (alias: string) =>
  `jsonb_build_object(${VALUES.map((name) => `'${name}', ${alias}.${name}`).join(", ")})`;
const MS = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`;

/** Old columns may be of other types (no time zone, floats): read as what the new ones are. */
const rowsOf = (leaf: LegacyLeaf) => `
  select l."timestamp"::timestamptz as "timestamp", ${VALUES.map((name) => `l.${name}::numeric as ${name}`).join(", ")}
  from ${leaf.name} l`;

/** The rules of the design for new rows; a running candle must not be stored as a final one. $5 width in ms. */
const REASON = `case
  when num_nulls(${VALUES.join(", ")}) > 0 then 'a value is missing'
  when not greatest(${VALUES.map((name) => `abs(${name})`).join(", ")}) < 'Infinity' then 'a value is not finite'
  when low > least(open, close) or high < greatest(open, close) then 'low <= open,close <= high does not hold'
  when volume < 0 then 'negative volume'
  when "timestamp" < '2009-01-01 00:00+00' or "timestamp" > now() + interval '1 day' then 'time outside 2009 .. tomorrow'
  when ${MS('"timestamp"')} + $5::float8 > ${MS("now()")} then 'not closed yet'
end`;

/** Rows of the new table in the leaf's place. $1 coin, $2 interval, $3 and $4 the leaf's span in ms. */
const IN_PLACE = (alias: string) => `${alias}.coin_id = $1::int and ${alias}."interval" = $2::text
  and ${alias}."timestamp" >= to_timestamp($3::float8 / 1000) and ${alias}."timestamp" < to_timestamp($4::float8 / 1000)`;

/**
 * Stores what is not stored yet; every old row that the table does not take over becomes a revision, so that none is
 * lost: a candle of the new system stays, and what must not be stored is kept there with nothing on the other side.
 * A second time it does nothing.
 */
const moveRows = (leaf: LegacyLeaf) => `
  with old as materialized (select l.*, ${REASON} as reason from (${rowsOf(leaf)}) l order by "timestamp"),
  stored as materialized (
    select t."timestamp", ${listOf("t")}, t.source from r3a.ohlcv_partitioned t join old using ("timestamp") where ${IN_PLACE("t")}
  ),
  added as (
    insert into r3a.ohlcv_partitioned (coin_id, "interval", "timestamp", ${VALUES.join(", ")}, source, flags)
    select $1::int, $2::text, o."timestamp", ${listOf("o")}, 'legacy', (${MS('o."timestamp"')}::bigint % $5::bigint <> 0)::int
    from old o left join stored s using ("timestamp") where o.reason is null and s."timestamp" is null
    order by o."timestamp"
    returning "timestamp"
  ),
  other as (
    select o.*, s.source, ${jsonOf("o")} as old_values,
           case when s."timestamp" is null then '{}' else ${jsonOf("s")} end as new_values
    from old o left join stored s using ("timestamp")
    where o.reason is not null or (s."timestamp" is not null and (${listOf("s")}) is distinct from (${listOf("o")}))
  ),
  kept as (
    insert into r3a.candle_revision (coin_id, "interval", "timestamp", old_values, new_values, old_source, new_source, run_id)
    select $1::int, $2::text, "timestamp", old_values, new_values, 'legacy', source, $6::uuid from other o
    where not exists (select from r3a.candle_revision r
      where ${IN_PLACE("r")} and r."timestamp" = o."timestamp" and r.old_source = 'legacy')
  )
  select count(*)::int as rows, (select count(*)::int from added) as added,
         (count(*) - (select count(*) from added) - (select count(*) from other))::int as same,
         (select count(*)::int from other where reason is null) as differed,
         count(reason)::int as rejected,
         ${MS('min("timestamp") filter (where reason is null)')} as first,
         ${MS('max("timestamp") filter (where reason is null)')} as last,
         jsonb_agg(jsonb_build_object('at', ${MS('"timestamp"')}, 'reason', reason, 'raw', left(row_to_json(old)::text, 500)))
           filter (where reason is not null) as rejections
  from old`;

const LOAD_SERIES = `
  select ${MS("covered_from")} as "from", ${MS("covered_to")} as "to" from r3a.series where coin_id = $1 and "interval" = $2`;

const LOAD_GAPS = `
  select id, from_ts, to_ts, state, reason, attempts, evidence, next_check_at from r3a.ohlcv_gap_log
  where coin_id = $1 and "interval" = $2 and state <> 'repaired' order by from_ts`;

/** Stretches of [$3, $4) without a candle; the edges count as stored. $5 width. */
const FIND_MISSING = `
  with slots as (
    select floor(${MS('t."timestamp"')} / $5::float8)::bigint * $5::bigint as slot from r3a.ohlcv_partitioned t where ${IN_PLACE("t")}
    union select $3::bigint - $5::bigint union select $4::bigint
  ), pairs as (select slot, lead(slot) over (order by slot) as next from slots)
  select (slot + $5::bigint)::float8 as "from", next::float8 as "to" from pairs where next > slot + $5::bigint order by slot`;

const HASH = (values: readonly string[]) =>
  `hashtextextended(concat_ws('|', ${MS('l."timestamp"')}, ${values
    .map((value) => `coalesce(trim_scale(${value})::text, '-')`)
    .join(", ")}), 0)::numeric`;

/**
 * Count and sum of hashes (in any order; a sum, since pairs cancel out in an XOR) of the old rows, and of what is kept
 * of them now: the revision where there is one, else the candle of the new table.
 */
const compare = (leaf: LegacyLeaf) => `
  with old as materialized (${rowsOf(leaf)}),
  revised as materialized (
    select r."timestamp", r.old_values from r3a.candle_revision r join old using ("timestamp")
    where ${IN_PLACE("r")} and r.old_source = 'legacy'
  ),
  kept as (
    select ${HASH(VALUES.map((name) => `(l.old_values ->> '${name}')::numeric`))} as hash from revised l
    union all
    select ${HASH(VALUES.map((name) => `l.${name}`))} from r3a.ohlcv_partitioned l join old using ("timestamp")
    where ${IN_PLACE("l")} and not exists (select from revised where revised."timestamp" = l."timestamp")
  )
  select a.n = b.n and a.hash = b.hash as is_equal, a.n::int as old_rows, b.n::int as kept_rows
  from (select count(*) as n, coalesce(sum(${HASH(VALUES.map((name) => `l.${name}`))}), 0) as hash from old l) a,
       (select count(*) as n, coalesce(sum(hash), 0) as hash from kept) b`;

/** The series before the leaf, and what its coverage and gap log become; the plan is the caller's, and pure. */
export type PlanCoverage = (
  before: { readonly covered: Span | null; readonly gaps: readonly Gap[] },
  candles: { readonly first: number | null; readonly last: number | null },
  rejections: readonly RejectedAt[],
  findMissing: (slots: Span) => Promise<readonly Span[]>,
) => Promise<{ readonly covered: Span; readonly gaps: readonly Gap[] } | null>;

/**
 * Copies one leaf, with coverage, gaps and last timestamp, and compares what is kept with it: one transaction, which
 * rolls back where they differ. Its new leaves must exist, and the caller holds the lock of the series.
 */
export async function moveLeaf(
  db: Database,
  leaf: LegacyLeaf,
  runId: string,
  plan: PlanCoverage,
): Promise<LeafTally> {
  const { coinId, interval, span } = leaf;
  const width = WIDTH_MS[interval];
  return withTransaction(db, async (client) => {
    const place = [coinId, interval, span.from, span.to];
    const [moved] = (await client.query<Moved>(moveRows(leaf), [...place, width, runId])).rows;
    if (moved === undefined) throw new Error(`${leaf.name} gave no count`);
    const { first, last, rejections, ...tally } = moved;
    const findMissing = async ({ from, to }: Span) =>
      (await client.query<Span>(FIND_MISSING, [coinId, interval, from, to, width])).rows;
    const next = await plan(await loadBefore(client, leaf), { first, last }, rejections ?? [], findMissing);
    if (next !== null) {
      await upsertGaps(
        client,
        next.gaps.map((gap) => ({ ...gap, coinId, interval })),
        runId,
      );
      await updateSeries(client, [{ coinId, interval, covered: next.covered, lastTs: last }]);
    }
    await expectKept(client, leaf, place);
    return tally;
  });
}

async function loadBefore(client: pg.PoolClient, { coinId, interval }: LegacyLeaf) {
  const [series] = (
    await client.query<{ from: number | null; to: number | null }>(LOAD_SERIES, [coinId, interval])
  ).rows;
  const gaps = await client.query<GapRow>(LOAD_GAPS, [coinId, interval]);
  const covered = series?.from == null || series.to === null ? null : { from: series.from, to: series.to };
  return { covered, gaps: gaps.rows.map(gapOf) };
}

async function expectKept(client: pg.PoolClient, leaf: LegacyLeaf, place: readonly unknown[]): Promise<void> {
  const { rows } = await client.query<{ is_equal: boolean; old_rows: number; kept_rows: number }>(
    compare(leaf),
    [...place],
  );
  const [result] = rows;
  if (result?.is_equal === true) return;
  throw new Error(
    `what was copied of ${leaf.name} is not what it holds (${result?.kept_rows} of ${result?.old_rows} rows kept, or their hashes differ); the leaf stays as it was`,
  );
}
