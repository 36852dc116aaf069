import type pg from "pg";
import type { Gap } from "../../candle/gap.ts";
import { WIDTH_MS } from "../../candle/interval.ts";
import type { Span } from "../../candle/span.ts";
import type { Database } from "../connect.ts";
import { type GapRow, gapOf, upsertGaps } from "../gaps.ts";
import { updateSeries } from "../series.ts";
import { withTransaction } from "../session.ts";
import type { LegacyLeaf } from "./catalog.ts";
import type { OldColumn } from "./columns.ts";
import { expectKept, type Fingerprint } from "./compare.ts";
import { differs, inPlace, jsonOf, listOf, msOf, reasonOf, rowsOf } from "./rows.ts";

/**
 * What became of an old leaf's rows. `rows` is the sum of the others; `differed`: the new system has other values of
 * them; `repeated`: the leaf has a row of their timestamp already.
 */
export type LeafTally = {
  readonly rows: number;
  readonly added: number;
  readonly same: number;
  readonly differed: number;
  readonly repeated: number;
  readonly rejected: number;
};

/** A row that must not be stored; `at` its open time (ms). */
export type RejectedAt = { readonly at: number; readonly reason: string; readonly raw: string };

type Moved = LeafTally & {
  readonly first: number | null;
  readonly last: number | null;
  readonly rejections: readonly RejectedAt[] | null;
};

/**
 * The old rows, each once with its `copies`, and why it must not be stored. Of rows that share a timestamp (`nth`) the
 * first has the largest volume, since a candle grows until it closes.
 */
const oldRows = (leaf: LegacyLeaf, columns: readonly OldColumn[]) => {
  const rows = rowsOf(leaf, columns);
  const judged = `l.*, ${reasonOf(columns)} as reason`;
  if (leaf.isUnique) return `select ${judged}, 1 as copies, 1 as nth from (${rows}) l order by "timestamp"`;
  const all = `"timestamp", ${listOf(columns, "c")}`;
  return `
    select r.*, row_number() over (partition by "timestamp"
             order by reason is not null, volume desc, ${columns.map(({ name }) => `${name} desc nulls last`).join(", ")}) as nth
    from (select ${judged} from (select ${all}, count(*) as copies from (${rows}) c group by ${all}) l) r order by "timestamp"`;
};

/**
 * Stores what is not stored yet; every old row that the table does not take over becomes a revision, so that none is
 * lost: a candle of the new system stays, and what must not be stored is kept there with nothing on the other side. A
 * second time it does nothing, but for rows that changed since: those the table takes over as they are now.
 */
const moveRows = (leaf: LegacyLeaf, columns: readonly OldColumn[]) => `
  with old as materialized (${oldRows(leaf, columns)}),
  stored as materialized (
    select t."timestamp", ${listOf(columns, "t")}, t.source from r3a.ohlcv_partitioned t join old o using ("timestamp")
    where o.nth = 1 and ${inPlace("t")}
  ),
  taken as materialized (
    select o.*, s."timestamp" is not null as is_stored,
           case when s."timestamp" is not null then ${jsonOf(columns, "s")} end as stored_values
    from old o left join stored s using ("timestamp")
    where o.nth = 1 and o.reason is null and (s."timestamp" is null or s.source = 'legacy' and ${differs(columns, "s", "o")})
  ),
  added as (
    insert into r3a.ohlcv_partitioned (coin_id, "interval", "timestamp", ${columns.map(({ name }) => name).join(", ")}, source, flags)
    select $1::int, $2::text, o."timestamp", ${listOf(columns, "o")}, 'legacy', (${msOf('o."timestamp"')}::bigint % $5::bigint <> 0)::int
    from taken o where not o.is_stored order by o."timestamp"
    returning "timestamp"
  ),
  renewed as (
    update r3a.ohlcv_partitioned t set ${columns.map(({ name }) => `${name} = k.${name}`).join(", ")}
    from taken k where k.is_stored and t."timestamp" = k."timestamp" and ${inPlace("t")}
  ),
  final as (
    select "timestamp", ${listOf(columns, "k")}, 'legacy' as source from taken k
    union all
    select "timestamp", ${listOf(columns, "s")}, source from stored s
    where not exists (select from taken k where k."timestamp" = s."timestamp")
  ),
  odd as materialized (
    select * from old o where o.reason is not null or o.nth > 1 or o."timestamp" in (select "timestamp" from stored)
  ),
  other as (
    select o.*, f.source, ${jsonOf(columns, "o")} as old_values,
           case when f."timestamp" is null then '{}' else ${jsonOf(columns, "f")} end as new_values
    from odd o left join final f using ("timestamp")
    where o.reason is not null or ${differs(columns, "f", "o")}
  ),
  kept as (
    insert into r3a.candle_revision (coin_id, "interval", "timestamp", old_values, new_values, old_source, new_source, run_id)
    select $1::int, $2::text, "timestamp", old_values, new_values, 'legacy', source, $6::uuid from other o
    where not exists (select from r3a.candle_revision r
      where ${inPlace("r")} and r."timestamp" = o."timestamp" and r.old_source = 'legacy' and r.old_values = o.old_values)
    union all
    select $1::int, $2::text, "timestamp", stored_values, ${jsonOf(columns, "k")}, 'legacy', 'legacy', $6::uuid from taken k where is_stored
  )
  select coalesce(sum(copies), 0)::int as rows, (select count(*)::int from added) as added,
         (count(*) filter (where nth = 1) - (select count(*) from added) - (select count(*) from other where nth = 1))::int as same,
         (select count(*)::int from other where nth = 1 and reason is null) as differed,
         (coalesce(sum(copies), 0) - count(*) filter (where nth = 1))::int as repeated,
         (count(reason) filter (where nth = 1))::int as rejected,
         ${msOf('min("timestamp") filter (where reason is null)')} as first,
         ${msOf('max("timestamp") filter (where reason is null)')} as last,
         jsonb_agg(jsonb_build_object('at', ${msOf('"timestamp"')}, 'reason', reason, 'raw',
             left((select row_to_json(v)::text from (select o."timestamp", ${listOf(columns, "o")}) v), 500)) order by "timestamp", nth)
           filter (where reason is not null) as rejections
  from old o`;

const LOAD_SERIES = `
  select ${msOf("covered_from")} as "from", ${msOf("covered_to")} as "to" from r3a.series where coin_id = $1 and "interval" = $2`;

const LOAD_GAPS = `
  select id, from_ts, to_ts, state, reason, attempts, evidence, next_check_at from r3a.ohlcv_gap_log
  where coin_id = $1 and "interval" = $2 and state <> 'repaired' order by from_ts`;

/** Stretches of [$3, $4) without a candle; the edges count as stored. $5 width. */
const FIND_MISSING = `
  with slots as (
    select floor(${msOf('t."timestamp"')} / $5::float8)::bigint * $5::bigint as slot from r3a.ohlcv_partitioned t where ${inPlace("t")}
    union select $3::bigint - $5::bigint union select $4::bigint
  ), pairs as (select slot, lead(slot) over (order by slot) as next from slots)
  select (slot + $5::bigint)::float8 as "from", next::float8 as "to" from pairs where next > slot + $5::bigint order by slot`;

/** The series before the leaf, and what its coverage and gap log become; the plan is the caller's, and pure. */
export type PlanCoverage = (
  before: { readonly covered: Span | null; readonly gaps: readonly Gap[] },
  candles: { readonly first: number | null; readonly last: number | null },
  rejections: readonly RejectedAt[],
  findMissing: (slots: Span) => Promise<readonly Span[]>,
) => Promise<{ readonly covered: Span; readonly gaps: readonly Gap[] } | null>;

/** What is copied of leaves: into which run, and which of their columns. */
export type CopyOrder = { readonly runId: string; readonly columns: readonly OldColumn[] };

/**
 * Copies one leaf, with coverage, gaps and last timestamp, and compares what is kept with it: one transaction, which
 * rolls back where they differ. Its new leaves must exist, and the caller holds the lock of the series. Returns what
 * the leaf held.
 */
export async function moveLeaf(
  db: Database,
  leaf: LegacyLeaf,
  { runId, columns }: CopyOrder,
  plan: PlanCoverage,
  alive: AbortSignal,
): Promise<{ readonly tally: LeafTally; readonly fingerprint: Fingerprint }> {
  const { coinId, interval, span } = leaf;
  const width = WIDTH_MS[interval];
  return withTransaction(db, async (client) => {
    const place = [coinId, interval, span.from, span.to];
    await client.query("set local extra_float_digits = 1");
    const [moved] = (await client.query<Moved>(moveRows(leaf, columns), [...place, width, runId])).rows;
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
    const fingerprint = await expectKept(client, leaf, columns, place);
    alive.throwIfAborted(); // not committed without the lock
    return { tally, fingerprint };
  });
}

async function loadBefore(client: pg.PoolClient, { coinId, interval }: LegacyLeaf) {
  const [series] = (
    await client.query<{ from: number | null; to: number | null }>(LOAD_SERIES, [coinId, interval])
  ).rows;
  const gaps = await client.query<GapRow>(LOAD_GAPS, [coinId, interval]);
  const covered = series?.from == null || series.to === null ? null : { from: series.from, to: series.to };
  return { covered, gaps: gaps.rows.map((row) => gapOf(interval, row)) };
}
