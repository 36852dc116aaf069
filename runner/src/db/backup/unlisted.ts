import type { OwnClient } from "../session.ts";
import { msOf } from "../sql-time.ts";
import { type BackupLeaf, isChangedSince, type LeafPart, tableOf } from "./backup-leaf.ts";
import {
  type ChangedRow,
  MOST_CHANGED,
  PARTS,
  toChangedRow,
  type WrittenRow,
  writtenRows,
} from "./changes.ts";
import { pairsOf } from "./part-state.ts";
import { joinRevisions, REVISION_COLUMNS } from "./revision-sql.ts";
import { asSum, columnsOf, hasNull, rowHash, sumOf, valueHash } from "./row-hash.ts";

/** What is known of the rows of a leaf where those that were written are not listed one by one. */

const ROW = columnsOf("t");

/** $1: the leaf, $2: the horizon; null: the numbers of transactions say nothing. */
const IS_SINCE = `case when $2::text is null then r.seen_at >= b.snapshot_at else ${isChangedSince("r", "$2")} end`;

/** $3, $4: the parts. $5, $6: the open times of the leaf (ms). */
const READ_REVISED = (leaf: BackupLeaf) => `
  with found as materialized (
    select r.coin_id, r."interval", r."timestamp", b.snapshot_at
    from r3a.candle_revision r
    join r3a.backup_part p on p.leaf = $1 and p.coin_id = r.coin_id and p."interval" = r."interval"
    left join r3a.backup b on b.id = p.as_of
    where (r.coin_id, r."interval") in (select * from unnest($3::int[], $4::text[]))
      and r."timestamp" >= to_timestamp($5::float8 / 1000) and r."timestamp" < to_timestamp($6::float8 / 1000) and ${IS_SINCE}
    group by 1, 2, 3, 4 order by 1, 2, 3 limit ${MOST_CHANGED}
  )
  select t.coin_id as "coinId", t."interval", ${msOf('t."timestamp"')} as first, ${asSum(rowHash(ROW))} as hash,
         coalesce(d.hash = ${asSum(rowHash(ROW))}::numeric, false) as "isKnown", ${hasNull(ROW)} as "hasNull",
         ${asSum(valueHash(ROW))} as "valueHash", ${REVISION_COLUMNS}
  from found b
  join ${tableOf(leaf)} t on t.coin_id = b.coin_id and t."interval" = b."interval" and t."timestamp" = b."timestamp"
  left join r3a.backup_doubt d on d.leaf = $1 and d.coin_id = t.coin_id and d."interval" = t."interval" and d."timestamp" = t."timestamp"
  ${joinRevisions(IS_SINCE)}
  order by 1, 2, 3`;

/**
 * The rows of the parts that have a revision since the last backup. Where the numbers of transactions say nothing (`horizon`
 * null), a revision counts from the moment of the backup that last changed the part: one whose transaction had begun by then
 * and ended later is missed, and its part stays in doubt until a person looks. At most 50,000 of the leaf.
 */
export async function readRevised(
  client: OwnClient,
  leaf: BackupLeaf,
  { parts, horizon }: { readonly parts: readonly LeafPart[]; readonly horizon: bigint | null },
): Promise<readonly ChangedRow[]> {
  const { from, to } = leaf.span;
  const since = horizon === null ? null : String(horizon);
  const rows = await client.query<WrittenRow>(READ_REVISED(leaf), [
    ...[leaf.name, since],
    ...[...pairsOf(parts), from, to],
  ]);
  return rows.map(toChangedRow);
}

/** How many rows, the sum of their `valueHash`, and whether one of them lacks a value. */
export type UnlistedRows = {
  readonly rows: number;
  readonly valueHash: bigint;
  readonly hasNull: boolean;
};

const SUM_UNREVISED = (leaf: BackupLeaf) => `
  with ${PARTS},
  changed as materialized (${writtenRows(leaf, isChangedSince("t", "$2"))}),
  revised as materialized (
    select r.coin_id, r."interval", r."timestamp" from r3a.candle_revision r
    where r."timestamp" >= to_timestamp($3::float8 / 1000) and r."timestamp" < to_timestamp($4::float8 / 1000)
      and ${isChangedSince("r", "$2")}
  )
  select c.coin_id as "coinId", c."interval", count(*)::float8 as rows, ${sumOf("c.value_hash")} as "valueHash", bool_or(c.has_null) as "hasNull"
  from changed c
  where c.is_set
    and not exists (select from revised r where r.coin_id = c.coin_id and r."interval" = c."interval" and r."timestamp" = c."timestamp")
    and not exists (select from r3a.backup_doubt d where d.leaf = $1 and d.coin_id = c.coin_id and d."interval" = c."interval"
      and d."timestamp" = c."timestamp" and d.hash = ${asSum("c.hash")}::numeric)
  group by 1, 2 order by 1, 2`;

/** By part, the rows that changed since the horizon in slots for which the ledger has a candle, and that have no revision. */
export async function sumUnrevised(
  client: OwnClient,
  leaf: BackupLeaf,
  horizon: bigint,
): Promise<readonly (LeafPart & UnlistedRows)[]> {
  const { from, to } = leaf.span;
  const values = [leaf.name, String(horizon), from, to];
  const rows = await client.query<
    LeafPart & Omit<UnlistedRows, "valueHash"> & { readonly valueHash: string }
  >(SUM_UNREVISED(leaf), values);
  return rows.map((row) => ({ ...row, valueHash: BigInt(row.valueHash) }));
}
