import { isLeafName, leafOfName } from "../../archive/leaf-record.ts";
import type { BackupLeaf } from "../backup/backup-leaf.ts";
import type { OwnClient } from "../session.ts";
import type { Finding } from "./damage-rows.ts";
import { GUARD, GUARD_TRUNCATE } from "./guard.ts";
import type { LeafPhase } from "./state.ts";

/**
 * What the catalog says of a leaf. `ledgerRows`: what the backups restore of it. `oid`, `bytes`: of the table; null: there is
 * none. `isDetaching`: a DETACH CONCURRENTLY was cut off. `state` null: the leaf was never sealed. `hasGuard`: both triggers
 * are there and fire always.
 */
export type CatalogLeaf = BackupLeaf & {
  readonly oid: number | null;
  readonly ledgerRows: number;
  readonly bytes: number | null;
  readonly isAttached: boolean;
  readonly isDetaching: boolean;
  readonly state: LeafPhase | null;
  readonly hasGuard: boolean;
};

/** Each leaf that is attached, that backups restore, or that was ever sealed; $1: this one alone. */
const KNOWN = `
  stored as (
    select leaf, sum(rows)::float8 as rows from r3a.backup_part where $1::text is null or leaf = $1 group by leaf
  ),
  attached as (
    select c.oid, c.relname::text as leaf, p.relname::text as parent, i.inhdetachpending as is_detaching
    from pg_inherits l join pg_class p on p.oid = l.inhrelid join pg_inherits i on i.inhparent = l.inhrelid
    join pg_class c on c.oid = i.inhrelid
    where l.inhparent = 'r3a.ohlcv_partitioned'::regclass and c.relkind = 'r' and c.relnamespace = 'r3a'::regnamespace
      and ($1::text is null or c.relname = $1)
  ),
  known as (
    select leaf from stored where rows > 0 union select leaf from attached
    union select leaf from r3a.leaf_state where sealed_at is not null and ($1::text is null or leaf = $1)
  )`;
const LIST_NAMES = `with ${KNOWN} select leaf from known order by leaf`;
const LIST = `
  with ${KNOWN}
  select k.leaf as name, t.oid::bigint::float8 as oid, coalesce(b.rows, 0) as "ledgerRows", pg_relation_size(t.oid)::float8 as bytes, s.state,
         a.parent, coalesce(a.is_detaching, false) as "isDetaching",
         (select count(*) = 2 from pg_trigger g where g.tgrelid = t.oid and g.tgenabled = 'A'
          and g.tgname in ('${GUARD}', '${GUARD_TRUNCATE}')) as "hasGuard"
  from known k
  left join stored b using (leaf) left join attached a using (leaf) left join r3a.leaf_state s using (leaf)
  left join pg_class t on t.relname = k.leaf and t.relkind = 'r' and t.relnamespace = 'r3a'::regnamespace
  order by k.leaf`;

/** The names of all leaves, or of this one where anything knows it. Waits for nobody. */
export async function listKnownLeaves(
  client: Pick<OwnClient, "query">,
  leaf: string | null,
): Promise<readonly string[]> {
  const rows = await client.query<{ leaf: string }>(LIST_NAMES, [leaf]);
  return rows.map((row) => row.leaf).filter(isLeafName);
}

type CatalogRow = Omit<CatalogLeaf, "parent" | "span" | "isAttached"> & { readonly parent: string | null };

/**
 * All leaves, or the one of this name. A table with a name that no leaf has is left out: health names it. Waits for who holds
 * a leaf alone, as the swap does for a moment.
 */
export async function listCatalog(
  client: Pick<OwnClient, "query">,
  leaf: string | null = null,
): Promise<readonly CatalogLeaf[]> {
  const rows = await client.query<CatalogRow>(LIST, [leaf]);
  return rows
    .filter(({ name }) => isLeafName(name))
    .map((row) => {
      const { parent, span } = leafOfName(row.name);
      return { ...row, parent, span, isAttached: row.parent === parent };
    });
}

/** Damage that the catalog shows; `truncated` also where the file is gone: only who reads the table sees the difference. */
export function judgeCatalog({
  name,
  ledgerRows,
  bytes,
  isAttached,
  isDetaching,
  parent,
}: CatalogLeaf): readonly Finding[] {
  const stored = `backups restore ${ledgerRows} rows of the leaf`;
  if (bytes === null)
    return [{ detector: "missing", detail: `there is no table r3a.${name}, and ${stored}` }];
  const findings: Finding[] = [];
  if (!isAttached)
    findings.push({
      detector: "detached",
      detail: `r3a.${name} is not attached to r3a.${parent}, so no query reads its rows`,
    });
  else if (isDetaching)
    findings.push({
      detector: "detached",
      detail: `a DETACH CONCURRENTLY of r3a.${name} was cut off, so new queries pass its rows over`,
    });
  if (bytes === 0 && ledgerRows > 0)
    findings.push({
      detector: "truncated",
      detail: `r3a.${name} is empty or its file is gone, and ${stored}`,
    });
  return findings;
}

/** Whether anybody can write to a leaf that counts as sealed. */
export function lacksGuard({ state, bytes, hasGuard }: CatalogLeaf): boolean {
  return state === "sealed" && bytes !== null && !hasGuard;
}
