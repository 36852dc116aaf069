import type { OwnClient } from "../session.ts";
import { msOf } from "../sql-time.ts";
import {
  type BackupLeaf,
  countSlotsOf,
  isChangedSince,
  type LeafPart,
  slotOf,
  tableOf,
} from "./backup-leaf.ts";
import { unpackSlots } from "./part-slots.ts";
import { joinRevisions, REVISION_COLUMNS } from "./revision-sql.ts";
import { asSum, columnsOf, hasNull, rowHash, sumOf, valueHash } from "./row-hash.ts";

/**
 * New rows of a part: rows that changed since the horizon, in slots for which the ledger has no candle. `hash`, `nullRows`,
 * `nullHash`, `first`, `last`, `slots`: as in PartState and PartSlots, of these rows.
 */
export type NewRows = LeafPart & {
  readonly rows: number;
  readonly hash: bigint;
  readonly nullRows: number;
  readonly nullHash: bigint;
  readonly first: number;
  readonly last: number;
  readonly slots: Uint8Array;
};

/** What is known of a row that changed since the horizon, in a slot for which the ledger has a candle. */
export type ChangedRow = LeafPart & {
  /** Open time (ms). */
  readonly at: number;
  readonly hash: bigint;
  /** The backup of the horizon met the row in just this state, so nothing changed. */
  readonly isKnown: boolean;
  /** The newest revision since the horizon ends in the values of the row. */
  readonly isRevised: boolean;
  /** Hash of the row before the first revision since the horizon; null: there is none, or its values make no row. */
  readonly oldHash: bigint | null;
  /** `valueHash` of that row before; null: it lacked no value. */
  readonly oldValueHash: bigint | null;
  /** The row lacks a value that the old layout did not have. */
  readonly hasNull: boolean;
  /** Hash of the key and of the values that every candle has: a part of `nullHash` as long as the row has a null. */
  readonly valueHash: bigint;
};

/** `changed` holds the first 50,000 of `changedCount` rows, in the order of their key. */
export type Changes = {
  readonly fresh: readonly NewRows[];
  readonly changed: readonly ChangedRow[];
  readonly changedCount: number;
};

/** With twice as many a process took 162 MB of the 160 that a backup may take. */
export const MOST_CHANGED = 50_000;

const ROW = columnsOf("t");

/** $1: name of the leaf. The bitmaps are read once and then kept as they are: a stored one would be decompressed for each row. */
export const PARTS = `
  part as materialized (
    select coin_id, "interval", slots || ''::bytea as slots from r3a.backup_part where leaf = $1
  ),
  doubted as materialized (
    select coin_id, "interval", "at" from r3a.backup_suspect where leaf = $1 and state = 'open' and kind = 'changed' and "at" is not null
  )`;

/**
 * The rows of the leaf that fulfil the condition on `t`. `is_set`: the ledger has a candle for the slot, or the row is suspect:
 * where no tier has the earlier row any more it is no new one all the same.
 */
export const writtenRows = (leaf: BackupLeaf, condition: string) => `
  select t.coin_id, t."interval", t."timestamp", s.slot, ${rowHash(ROW)} as hash, ${valueHash(ROW)} as value_hash,
         ${hasNull(ROW)} as has_null,
         x."at" is not null or
           case when s.slot >= 0 and s.slot < length(p.slots) * 8 then get_bit(p.slots, s.slot) = 1 else false end as is_set
  from ${tableOf(leaf)} t
  left join part p on p.coin_id = t.coin_id and p."interval" = t."interval"
  left join doubted x on x.coin_id = t.coin_id and x."interval" = t."interval" and x."at" = t."timestamp"
  cross join lateral (select ${slotOf(leaf, "t")} as slot) s
  where ${condition}`;

/** Of the rows of \`changed\` those in slots without a candle, summed up by part. */
const FRESH = `
  select coin_id, "interval", sum(rows) as rows, ${sumOf("hash")} as hash, sum(null_rows) as null_rows, ${sumOf("null_hash")} as null_hash,
         min(first) as first, max(last) as last, string_agg(int4send((place * 256 + bits)::int), ''::bytea) as bytes
  from (
    select coin_id, "interval", slot / 8 as place, bit_or(1 << (slot % 8)::int) as bits, count(*) as rows, sum(hash) as hash,
           count(*) filter (where has_null) as null_rows, sum(value_hash) filter (where has_null) as null_hash,
           min("timestamp") as first, max("timestamp") as last
    from changed where not is_set group by 1, 2, 3
  ) byte
  group by 1, 2`;

/** One pass over the leaf. $1: name of the leaf, $2: the horizon. */
const READ_CHANGES = (leaf: BackupLeaf) => `
  with ${PARTS},
  changed as materialized (${writtenRows(leaf, isChangedSince("t", "$2"))}),
  fresh as (${FRESH}),
  listed as materialized (
    select * from changed where is_set order by coin_id, "interval", "timestamp" limit ${MOST_CHANGED}
  )
  select 'changed' as kind, t.coin_id as "coinId", t."interval", 1::float8 as rows, ${asSum("l.hash")} as hash, null::float8 as "nullRows",
         null as "nullHash", ${msOf('t."timestamp"')} as first, null::float8 as last, null::bytea as bytes,
         coalesce(d.hash = ${asSum("l.hash")}::numeric, false) as "isKnown", l.has_null as "hasNull", ${asSum("l.value_hash")} as "valueHash",
         ${REVISION_COLUMNS}
  from listed l
  join ${tableOf(leaf)} t on t.coin_id = l.coin_id and t."interval" = l."interval" and t."timestamp" = l."timestamp"
  left join r3a.backup_doubt d on d.leaf = $1 and d.coin_id = l.coin_id and d."interval" = l."interval" and d."timestamp" = l."timestamp"
  ${joinRevisions(isChangedSince("r", "$2"))}
  union all
  select 'new', coin_id, "interval", rows::float8, hash, null_rows::float8, null_hash, ${msOf("first")}, ${msOf("last")}, bytes,
         null, null, null, null, null, null
  from fresh
  union all
  select 'count', null, null, count(*), null, null, null, null, null, null, null, null, null, null, null, null from changed where is_set
  order by 1, 2, 3, 8`;

/** As READ_CHANGES, of every row, whoever wrote it and when. */
const READ_FRESH = (leaf: BackupLeaf) => `
  with ${PARTS},
  changed as (${writtenRows(leaf, "true")})
  select coin_id as "coinId", "interval", rows::float8 as rows, hash, null_rows::float8 as "nullRows", null_hash as "nullHash",
         ${msOf("first")} as first, ${msOf("last")} as last, bytes
  from (${FRESH}) fresh order by 1, 2`;

type NewRow = Omit<NewRows, "hash" | "nullHash" | "slots"> & {
  readonly hash: string;
  readonly nullHash: string;
  readonly bytes: Buffer;
};

/** A row as the server gives it: hashes as decimal text. */
export type WrittenRow = Omit<ChangedRow, "at" | "hash" | "valueHash" | "oldHash" | "oldValueHash"> & {
  readonly first: number;
  readonly hash: string;
  readonly valueHash: string;
  readonly oldHash: string | null;
  readonly oldValueHash: string | null;
};

type ChangeRow =
  | ({ readonly kind: "new" } & NewRow)
  | ({ readonly kind: "changed" } & WrittenRow)
  | { readonly kind: "count"; readonly rows: number };

/**
 * The rows of the leaf that changed since the horizon: the xmin of the snapshot of the backup that last looked at the leaf.
 * Only rows of this server and of at most a thousand million transactions ago can be judged so.
 */
export async function readChanges(client: OwnClient, leaf: BackupLeaf, horizon: bigint): Promise<Changes> {
  const rows = await client.query<ChangeRow>(READ_CHANGES(leaf), [leaf.name, String(horizon)]);
  const fresh: NewRows[] = [];
  const changed: ChangedRow[] = [];
  let changedCount = 0;
  for (const row of rows) {
    if (row.kind === "count") changedCount = row.rows;
    else if (row.kind === "new") fresh.push(toNewRows(leaf, row));
    else changed.push(toChangedRow(row));
  }
  return { fresh, changed, changedCount };
}

/**
 * All rows of the leaf in slots for which the ledger has no candle. No number of a transaction is asked: of a row that was
 * written two thousand million transactions ago it says nothing.
 */
export async function readFresh(client: OwnClient, leaf: BackupLeaf): Promise<readonly NewRows[]> {
  return (await client.query<NewRow>(READ_FRESH(leaf), [leaf.name])).map((row) => toNewRows(leaf, row));
}

function toNewRows(leaf: BackupLeaf, row: NewRow): NewRows {
  const { coinId, interval, first, last, nullRows, bytes } = row;
  return {
    ...{ coinId, interval, rows: row.rows, hash: BigInt(row.hash) },
    ...{ nullRows, nullHash: BigInt(row.nullHash), first, last },
    slots: unpackSlots(bytes, countSlotsOf(leaf, interval)),
  };
}

export function toChangedRow({
  coinId,
  interval,
  first,
  isKnown,
  isRevised,
  ...row
}: WrittenRow): ChangedRow {
  return {
    ...{ coinId, interval, at: first, hash: BigInt(row.hash), isKnown, isRevised, hasNull: row.hasNull },
    oldHash: row.oldHash === null ? null : BigInt(row.oldHash),
    oldValueHash: row.oldValueHash === null ? null : BigInt(row.oldValueHash),
    valueHash: BigInt(row.valueHash),
  };
}
