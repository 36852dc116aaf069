import type { AttachedLeaf } from "../partition/attached.ts";
import { msOf } from "./sql-time.ts";

/** Both bounds of the partition `c`, as texts; null where they are not those of a span. */
export const EDGES = `regexp_match(pg_get_expr(c.relpartbound, c.oid), '^FOR VALUES FROM \\(''([^'']+)''\\) TO \\(''([^'']+)''\\)$')`;

/** Of all candle tables, or of $1 alone. */
export const LEAVES = `
  select c.relname as name, p.relname as parent, i.inhdetachpending as "isDetaching", coalesce(c.reloptions, '{}') as options,
         ${msOf("b.edges[1]::timestamptz")} as "from",
         ${msOf("b.edges[2]::timestamptz")} as "to"
  from pg_inherits l
  join pg_class p on p.oid = l.inhrelid
  join pg_inherits i on i.inhparent = l.inhrelid
  join pg_class c on c.oid = i.inhrelid
  left join lateral ${EDGES} as b (edges) on c.relkind = 'r'
  where l.inhparent = 'r3a.ohlcv_partitioned'::regclass and ($1::text is null or c.oid = to_regclass($1))
  order by p.relname, c.relname`;

export type LeafRow = Omit<AttachedLeaf, "span"> & { from: number | null; to: number | null };

export function toAttached({ from, to, ...leaf }: LeafRow): AttachedLeaf {
  return { ...leaf, span: from === null || to === null ? null : { from, to } };
}
