import { listMisaligned } from "../../partition/attached.ts";
import { EDGES } from "../attached-leaves.ts";
import type { OwnClient } from "../session.ts";
import { msOf } from "../sql-time.ts";

/**
 * How many rows were inserted, updated and deleted in a leaf, as the server counts. `countedAs`: the file of the table and
 * the times at which the counting began: with another text the numbers cannot be compared. Equal counters with equal texts
 * mean that nobody wrote to the leaf. They see no damage: that is what the daily backup is for.
 */
export type LeafCounter = { readonly changes: bigint; readonly countedAs: string };

/**
 * After a crash the server counts anew, and the database itself has no time of that: the writer of checkpoints has. TRUNCATE
 * and a rewrite count no rows, but change the file.
 */
const READ_COUNTERS = `
  with since as (
    select concat_ws(' ', pg_postmaster_start_time(), pg_stat_get_bgwriter_stat_reset_time(),
             pg_stat_get_db_stat_reset_time((select oid from pg_database where datname = current_database()))) as times
  )
  select c.relname::text as leaf, concat_ws(' ', c.oid, pg_relation_filenode(c.oid), since.times) as "countedAs",
         (pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_tuples_updated(c.oid) + pg_stat_get_tuples_deleted(c.oid))::text as changes,
         p.relname::text as parent, ${msOf("b.edges[1]::timestamptz")} as "from", ${msOf("b.edges[2]::timestamptz")} as "to"
  from since, pg_inherits l join pg_class p on p.oid = l.inhrelid join pg_inherits i on i.inhparent = l.inhrelid
  join pg_class c on c.oid = i.inhrelid left join lateral ${EDGES} as b (edges) on true
  where l.inhparent = 'r3a.ohlcv_partitioned'::regclass and c.relkind = 'r' and c.relnamespace = 'r3a'::regnamespace`;

type CounterRow = {
  readonly leaf: string;
  readonly countedAs: string;
  readonly changes: string;
  readonly parent: string;
  readonly from: number | null;
  readonly to: number | null;
};

/**
 * The counters by leaf, without schema. The server adds a transaction to them up to 10 s after it ended. A table that
 * somebody attached under another name or with other bounds is no leaf, and listLeftOut names it: read as the leaf that its
 * name is nearest to, it ended each backup.
 */
export async function readCounters(client: OwnClient): Promise<ReadonlyMap<string, LeafCounter>> {
  const rows = await client.query<CounterRow>(READ_COUNTERS);
  return new Map(
    rows
      .filter(isLeaf)
      .map(({ leaf, countedAs, changes }) => [leaf, { countedAs, changes: BigInt(changes) }]),
  );
}

function isLeaf({ leaf: name, parent, from, to }: CounterRow): boolean {
  const span = from === null || to === null ? null : { from, to };
  return listMisaligned([{ name, parent, span }]).length === 0;
}

/** Whether nobody wrote to the leaf since; false where one of the counters is missing. */
export function isUntouched(before: LeafCounter | undefined, now: LeafCounter | undefined): boolean {
  return (
    before !== undefined &&
    now !== undefined &&
    before.changes === now.changes &&
    before.countedAs === now.countedAs
  );
}
