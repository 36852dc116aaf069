import type { Span } from "../../../candle/span.ts";
import { type Interval, WIDTH_MS } from "../../../contract/intervals.ts";
import { type BackupLeaf, slotOf, tableOf } from "../../backup/backup-leaf.ts";
import { BESIDE_KEY } from "../../candles.ts";
import { COPY_COLUMN_NAMES, COPY_COLUMNS } from "../../copy-lines.ts";
import { scratchOf } from "../../leaf/scratch.ts";
import { onlyRow } from "../../only-row.ts";
import type { OwnClient } from "../../session.ts";
import { isInside } from "./inside.ts";
import { isWrittenAfter, type Mark } from "./mark.ts";
import { forgetCrashed, isDamage } from "./read-damaged.ts";
import { applyRevisions } from "./revisions.ts";
import { isSoundRow } from "./sound-row.ts";

/** What writers changed since the mark: `oldTable`, the table that they write to, as SQL; null: there is none. */
export type Written = { readonly oldTable: string | null; readonly mark: Mark };

/**
 * `rows`: rows that the scratch table took; `isUnread`: what was written could not be read. `slots`: what it holds now for
 * sure, by part.
 */
export type TakenOver = {
  readonly rows: number;
  readonly isUnread: boolean;
  readonly slots: readonly TakenSlot[];
};
type TakenSlot = Span & { readonly coinId: number; readonly interval: Interval };

const columnsOf = (alias: string) => COPY_COLUMN_NAMES.map((name) => `${alias}."${name}"`).join(", ");

/**
 * The sound rows `t` that were written after the snapshot $1 in the spans. Of these alone, hence the offset, it is asked whether
 * they are sound: asked of each row of the table, that took 17 s for 860,000 rows.
 */
export const writtenRows = (
  leaf: BackupLeaf,
  { table, spans, where }: { readonly table: string; readonly spans: string; readonly where: string },
) => `
  select ${columnsOf("t")}
  from (
    select ${columnsOf("t")}
    from ${spans} w
    join ${table} t on t.coin_id = w.coin_id and t."interval" = w."interval" and t."timestamp" >= w.from_ts and t."timestamp" < w.to_ts
    where ${where} and ${isInside(leaf, "t")} and ${isWrittenAfter("t", "$1")} offset 0
  ) t
  where ${isSoundRow(leaf)}`;

const REPLACED = BESIDE_KEY.map((name) => `${name} = excluded.${name}`).join(", ");
const textsOf = (alias: string) => BESIDE_KEY.map((name) => `${alias}.${name}::text`).join(", ");

/** Lets the rows of `written` replace those of the scratch table; returns all of them as slots. */
export const replaceRows = (leaf: BackupLeaf, written: string) => `
  with written as materialized (${written}),
  once as materialized (
    select * from (
      select d.*, count(*) over (partition by coin_id, "interval", "timestamp") as versions from (select distinct * from written) d
    ) counted where versions = 1
  ),
  replaced as (
    insert into ${tableOf(scratchOf(leaf))} as s (${COPY_COLUMNS})
    select ${COPY_COLUMNS} from once order by coin_id, "interval", "timestamp"
    on conflict (coin_id, "interval", "timestamp") do update set ${REPLACED}
    where (${textsOf("s")}) is distinct from (${textsOf("excluded")})
    returning 1
  )
  select coalesce(jsonb_agg(jsonb_build_array(t.coin_id, t."interval", ${slotOf(leaf, "t")})), '[]') as slots,
         (select count(*) from replaced)::int as rows
  from once t`;

type ReplacedRow = {
  rows: number;
  slots: readonly (readonly [coinId: number, interval: Interval, slot: number])[];
};

/** What `replaceRows` gave, as TakenOver. */
export function takenOf({ span }: BackupLeaf, { rows, slots }: ReplacedRow): TakenOver {
  return {
    ...{ rows, isUnread: false },
    slots: slots.map(([coinId, interval, slot]) => {
      const from = span.from + slot * WIDTH_MS[interval];
      return { coinId, interval, from, to: from + WIDTH_MS[interval] };
    }),
  };
}

const NOTHING: TakenOver = { rows: 0, isUnread: false, slots: [] };
const HAS_SPANS = `select exists (select from r3a.leaf_reopening where leaf = $1) as "hasSpans"`;
const SPANS = `(select * from r3a.leaf_reopening where leaf = $2)`;

/**
 * Takes what jobs wrote to the leaf since the mark into the scratch table, in the transaction of the swap, while nobody else
 * may write to the leaf: the rows in the spans of r3a.leaf_reopening, and the revisions. The scratch table has its primary
 * key. Where the rows cannot be read, what the scratch then lacks becomes a gap (`logMissing`).
 */
export async function takeOver(
  client: OwnClient,
  leaf: BackupLeaf,
  { oldTable, mark }: Written,
): Promise<TakenOver> {
  if (oldTable === null) return NOTHING;
  await forgetCrashed(client, oldTable);
  const { hasSpans } = onlyRow(await client.query<{ hasSpans: boolean }>(HAS_SPANS, [leaf.name]));
  if (!hasSpans) return NOTHING;
  // a plan that reads the whole scratch table would hold writers back for a second
  await client.query(
    "set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off; savepoint take_over",
  );
  let taken: TakenOver;
  try {
    await applyRevisions(client, leaf, { at: mark.at, above: mark.revision });
    const written = writtenRows(leaf, { table: oldTable, spans: SPANS, where: "true" });
    taken = takenOf(
      leaf,
      onlyRow(await client.query<ReplacedRow>(replaceRows(leaf, written), [mark.snapshot, leaf.name])),
    );
  } catch (error) {
    if (!isDamage(error)) throw error;
    await client.query("rollback to savepoint take_over");
    taken = { ...NOTHING, isUnread: true };
    await applyRevisions(client, leaf, { at: mark.at, above: mark.revision });
  }
  await client.query(
    "release savepoint take_over; set local enable_seqscan to default; set local enable_hashjoin to default; set local enable_mergejoin to default",
  );
  return taken;
}
