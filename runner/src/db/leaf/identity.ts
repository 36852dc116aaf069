import { isSealed } from "../../partition/sealed.ts";
import type { BackupLeaf } from "../backup/backup-leaf.ts";
import { COPY_COLUMN_NAMES } from "../copy-lines.ts";
import type { OwnClient } from "../session.ts";
import { GUARD, GUARD_TRUNCATE } from "./guard.ts";
import type { IdentityLine } from "./identity-plan.ts";
import { IDENTITY } from "./identity-sql.ts";

/** The constraint by which ATTACH knows without a scan that all rows lie in the leaf. The swap drops it. */
export const BOUNDS = "bounds";

/**
 * What a table is beside its rows: owner, rights, comments, storage, constraints, indexes, statistics, triggers. `oid`: the
 * table; `target`: the schema and the name that the statements are for.
 */
export async function readIdentity(
  client: OwnClient,
  oid: number,
  { schema, leaf }: { readonly schema: string; readonly leaf: BackupLeaf },
): Promise<readonly IdentityLine[]> {
  return client.query<IdentityLine>(IDENTITY, [
    ...[oid, schema, leaf.name, [GUARD, GUARD_TRUNCATE], BOUNDS],
    // maint gives the sealed leaves the fill factor 100
    isSealed(leaf.span, Date.now()),
  ]);
}

/**
 * Each way in which the leaf is bound to an object that a swap could not bind to the new table, or would lose a value: a
 * sentence each, with the name of the object. Empty: the swap can keep all that the leaf has.
 */
export async function listHindrances(client: OwnClient, leaf: BackupLeaf): Promise<readonly string[]> {
  const rows = await client.query<{ says: string }>(HINDRANCES, [leaf.name, leaf.parent, COPY_COLUMN_NAMES]);
  return rows.map(({ says }) => says);
}

/** What would be lost by a swap; $1 the leaf, $2 its list partition, $3 the columns of R3A. */
const HINDRANCES = `
  with leaf as (
    select c.*, c.oid::regclass::text as named from pg_class c where c.oid = to_regclass(format('r3a.%I', $1::text))
  ), above as (
    select oid, oid::regclass::text as named from pg_class
    where oid in ('r3a.ohlcv_partitioned'::regclass, to_regclass(format('r3a.%I', $2::text)))
  ), all_of as (select oid, named from leaf union all select oid, named from above)
  select named || ' is no plain table' as says from leaf where relkind <> 'r' or relpersistence <> 'p'
  union all
  select format('the column %I of %s is not of R3A, and its values would be lost', attname, named)
  from above join pg_attribute on attrelid = above.oid
  where attnum > 0 and not attisdropped and attgenerated = '' and attname <> all ($3::text[]) and above.named <> 'r3a.ohlcv_partitioned'
  union all
  select format('%s has row security', named) from leaf
  where relrowsecurity or relforcerowsecurity or exists (select from pg_policy where polrelid = leaf.oid)
  union all
  select format('%s has the rule %I', named, rulename) from leaf join pg_rewrite on ev_class = leaf.oid
  union all
  select format('%s has the child %s', named, inhrelid::regclass) from leaf join pg_inherits on inhparent = leaf.oid
  union all
  select format('the publication %I names %s', pubname, named)
  from leaf join pg_publication_rel r on r.prrelid = leaf.oid join pg_publication p on p.oid = r.prpubid
  union all
  select format('the publication %I is for all tables, so its subscriber would get the rows of the scratch table too: publish the tables of the schema r3a', pubname)
  from pg_publication where puballtables
  union all
  select format('%s has a security label', named) from leaf
  where exists (select from pg_seclabel where classoid = 'pg_class'::regclass and objoid = leaf.oid)
  union all
  select format('the foreign key %I joins %s and %s', conname, conrelid::regclass, confrelid::regclass)
  from pg_constraint k where contype = 'f' and conparentid = 0 and (conrelid in (select oid from all_of) or confrelid in (select oid from all_of))
  union all
  select format('the statistics %I.%I of %s lie in another schema', stxnamespace::regnamespace::text, stxname, named)
  from leaf join pg_statistic_ext on stxrelid = leaf.oid where stxnamespace <> leaf.relnamespace
  union all
  select distinct format('%s depends on %s', case when w.oid is null then pg_describe_object(d.classid, d.objid, d.objsubid)
                         else pg_describe_object('pg_class'::regclass, w.ev_class, 0) end, named)
  from leaf join pg_type y on y.oid in (leaf.reltype, (select typarray from pg_type where oid = leaf.reltype))
  join pg_depend d on d.deptype = 'n' and (d.refclassid = 'pg_class'::regclass and d.refobjid = leaf.oid
                                           or d.refclassid = 'pg_type'::regclass and d.refobjid = y.oid)
  left join pg_rewrite w on d.classid = 'pg_rewrite'::regclass and w.oid = d.objid
  where d.classid not in ('pg_constraint'::regclass, 'pg_policy'::regclass, 'pg_trigger'::regclass)
    and w.ev_class is distinct from leaf.oid
  order by 1`;
