import type pg from "pg";
import type { Gap } from "../../candle/gap.ts";
import { hull, type Span } from "../../candle/span.ts";
import { WIDTH_MS } from "../../contract/intervals.ts";
import type { Leaf } from "../../partition/layout.ts";
import { findMissingOn } from "../audit.ts";
import type { Database } from "../connect.ts";
import { findTouching } from "../gap-reads.ts";
import { upsertGaps } from "../gaps.ts";
import { listGuarded, reopenLeaves, throughGuards } from "../leaf/reopen.ts";
import { onlyRow } from "../only-row.ts";
import { loadSeries, updateSeries } from "../series.ts";
import { withTransaction } from "../session.ts";
import { msOf } from "../sql-time.ts";
import type { LegacyLeaf } from "./catalog.ts";
import type { OldColumn } from "./columns.ts";
import { expectKept, type Fingerprint } from "./compare.ts";
import { differs, inPlace, jsonOf, listOf, placeOf, reasonOf, rowsOf } from "./rows.ts";

/**
 * What became of an old leaf's rows; `rows` is the sum of the other figures. `differed`: the new system has other values.
 * `repeated`: the leaf has another row of the same timestamp.
 */
export type LeafTally = {
  readonly rows: number;
  readonly added: number;
  readonly same: number;
  readonly differed: number;
  readonly repeated: number;
  readonly rejected: number;
};

/** A row that must not be stored; `at` is its open time (ms). */
type RejectedAt = { readonly at: number; readonly reason: string; readonly raw: string };

type Moved = LeafTally & {
  readonly first: number | null;
  readonly last: number | null;
  readonly rejections: readonly RejectedAt[] | null;
};

/**
 * The old rows, each once with the number of its `copies`, and the `reason` why it must not be stored. `nth` numbers rows
 * that share a timestamp: the first has the largest volume, since a candle grows until it closes.
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
 * Stores the rows that the new table lacks. Every other row becomes a revision, so that no row is lost: a candle that the
 * new system stored stays, and the revision of a row that must not be stored has no new values. A second run changes
 * nothing, except that the table takes over rows that changed in between.
 */
const moveRows = (leaf: LegacyLeaf, columns: readonly OldColumn[]) => `
  -- the leaf's rows, judged
  with old as materialized (${oldRows(leaf, columns)}),
  -- what the new table has of them before this statement
  stored as materialized (
    select t."timestamp", ${listOf(columns, "t")}, t.source from r3a.ohlcv_partitioned t join old o using ("timestamp")
    where o.nth = 1 and ${inPlace("t")}
  ),
  -- the rows that the new table takes over: the sound ones that it lacks, and those that it took over before and that
  -- changed since; stored_values are the ones that then go
  taken as materialized (
    select o.*, s."timestamp" is not null as is_stored,
           case when s."timestamp" is not null then ${jsonOf(columns, "s")} end as stored_values
    from old o left join stored s using ("timestamp")
    where o.nth = 1 and o.reason is null
      and (s."timestamp" is null or s.source = 'legacy' and ${differs(columns, "s", "o")})
  ),
  -- of these the new ones; flags is 1 where the time is not on a slot boundary
  added as (
    insert into r3a.ohlcv_partitioned (coin_id, "interval", "timestamp", ${columns.map(({ name }) => name).join(", ")}, source, flags)
    select $1::int, $2::text, o."timestamp", ${listOf(columns, "o")}, 'legacy',
           (${msOf('o."timestamp"')}::bigint % $5::bigint <> 0)::int
    from taken o where not o.is_stored order by o."timestamp"
    returning "timestamp"
  ),
  -- and the changed ones
  renewed as (
    update r3a.ohlcv_partitioned t set ${columns.map(({ name }) => `${name} = k.${name}`).join(", ")}
    from taken k where k.is_stored and t."timestamp" = k."timestamp" and ${inPlace("t")}
  ),
  -- what the new table has after this statement, which itself cannot see its own writes
  final as (
    select "timestamp", ${listOf(columns, "k")}, 'legacy' as source from taken k
    union all
    select "timestamp", ${listOf(columns, "s")}, source from stored s
    where not exists (select from taken k where k."timestamp" = s."timestamp")
  ),
  -- rows that may be kept nowhere: all but those that were added as they are
  odd as materialized (
    select * from old o
    where o.reason is not null or o.nth > 1 or o."timestamp" in (select "timestamp" from stored)
  ),
  -- of these the rows of which the new table lacks a value, with what it has instead
  other as (
    select o.*, f.source, ${jsonOf(columns, "o")} as old_values,
           case when f."timestamp" is null then '{}' else ${jsonOf(columns, "f")} end as new_values
    from odd o left join final f using ("timestamp")
    where o.reason is not null or ${differs(columns, "f", "o")}
  ),
  -- a revision for each of them, once, and for each value that a changed row replaced
  kept as (
    insert into r3a.candle_revision
      (coin_id, "interval", "timestamp", old_values, new_values, old_source, new_source, run_id)
    select $1::int, $2::text, "timestamp", old_values, new_values, 'legacy', source, $6::uuid from other o
    where not exists (select from r3a.candle_revision r where ${inPlace("r")}
      and r."timestamp" = o."timestamp" and r.old_source = 'legacy' and r.old_values = o.old_values)
    union all
    select $1::int, $2::text, "timestamp", stored_values, ${jsonOf(columns, "k")}, 'legacy', 'legacy', $6::uuid
    from taken k where is_stored
  )
  -- the tally; rows that share a timestamp count once but for rows and repeated
  select coalesce(sum(copies), 0)::int as rows, (select count(*)::int from added) as added,
         (count(*) filter (where nth = 1) - (select count(*) from added)
           - (select count(*) from other where nth = 1))::int as same,
         (select count(*)::int from other where nth = 1 and reason is null) as differed,
         (coalesce(sum(copies), 0) - count(*) filter (where nth = 1))::int as repeated,
         (count(reason) filter (where nth = 1))::int as rejected,
         ${msOf('min("timestamp") filter (where reason is null)')} as first,
         ${msOf('max("timestamp") filter (where reason is null)')} as last,
         jsonb_agg(jsonb_build_object('at', ${msOf('"timestamp"')}, 'reason', reason, 'raw',
             left((select row_to_json(v)::text from (select o."timestamp", ${listOf(columns, "o")}) v), 500))
           order by "timestamp", nth) filter (where reason is not null) as rejections
  from old o`;

/** Given the series before the move of a leaf, returns its new coverage and the rows of the gap log that change. */
export type PlanCoverage = (
  before: { readonly covered: Span | null; readonly gaps: readonly Gap[] },
  found: Pick<Moved, "first" | "last"> & { readonly rejections: readonly RejectedAt[] },
  findMissing: (slots: Span) => Promise<readonly Span[]>,
) => Promise<{ readonly covered: Span; readonly gaps: readonly Gap[] } | null>;

/**
 * What is copied of a leaf: into which run, under which symbol, which of its columns, and into which leaves. `alive`:
 * aborted when the lock of the series is lost.
 */
type CopyOrder = {
  readonly runId: string;
  readonly symbol: string;
  readonly columns: readonly OldColumn[];
  readonly plan: PlanCoverage;
  /** The leaves of the new table that take the rows; all exist. */
  readonly targets: readonly Leaf[];
  readonly alive: AbortSignal;
};

/**
 * Copies one leaf with coverage, gaps and last timestamp, and compares the copy with the leaf, in one transaction, which is
 * rolled back if they differ. The new leaves must exist, and the caller holds the lock of the series. Returns what the leaf
 * held.
 */
export async function moveLeaf(
  db: Database,
  leaf: LegacyLeaf,
  { runId, symbol, columns, plan, targets, alive }: CopyOrder,
): Promise<{ readonly tally: LeafTally; readonly fingerprint: Fingerprint }> {
  const { coinId, interval } = leaf;
  const width = WIDTH_MS[interval];
  const before = await loadBefore(db, leaf, symbol);
  // asked first, and not met by a refusal: that would come at the end of a statement over all rows of the leaf
  const guards = new Set(await listGuarded(db));
  const copy = async (client: pg.PoolClient) => {
    await reopenLeaves(
      client,
      guards,
      targets.map((target) => ({ coinId, interval, span: target.span })),
    );
    await client.query("set local extra_float_digits = 1");
    const values = [...placeOf(leaf), width, runId];
    const moved = onlyRow((await client.query<Moved>(moveRows(leaf, columns), values)).rows);
    const { first, last, rejections, ...tally } = moved;
    const findMissing = (slots: Span) => findMissingOn(client, { coinId, interval, span: slots });
    const next = await plan(before, { first, last, rejections: rejections ?? [] }, findMissing);
    if (next !== null) {
      await upsertGaps(
        client,
        next.gaps.map((gap) => ({ ...gap, coinId, interval })),
        runId,
      );
      await updateSeries(client, [{ coinId, interval, covered: next.covered, lastTs: last }]);
    }
    const fingerprint = await expectKept(client, leaf, columns);
    alive.throwIfAborted(); // not committed without the lock
    return { tally, fingerprint };
  };
  return throughGuards(db, guards, () => withTransaction(db, copy));
}

/** Before the transaction: the lock of the series keeps everybody else from changing what is read. */
async function loadBefore(db: Database, { coinId, interval, span }: LegacyLeaf, symbol: string) {
  const [series] = await loadSeries(db, interval, [coinId]);
  if (series === undefined) throw new Error(`coin ${coinId} is no row of r3a.coin`);
  if (series.fault !== undefined) throw new Error(series.fault);
  const { covered } = series;
  const around = covered === null ? span : hull(covered, span);
  return { covered, gaps: await findTouching(db, { coinId, interval, symbol }, around) };
}
