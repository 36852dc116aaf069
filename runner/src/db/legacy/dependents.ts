import { type Database, queryRows } from "../connect.ts";

/** The old table of last timestamps, renamed. It follows from the candles: of the renamed tables it alone is dropped. */
export const DERIVED_LEGACY = "r3a_util.last_ts_by_coin_interval_legacy";

/**
 * An object of another program that depends on an object of the old system (`on`). `place` says what becomes of that old
 * object: the root is renamed and dropped last, leaves and branches are dropped before, a table is renamed, a function is
 * replaced.
 */
export type Dependent = {
  readonly name: string;
  readonly on: string;
  readonly place: "root" | "leaf" | "table" | "function";
  readonly isReference: boolean;
};

/**
 * From the catalog: views, functions whose body or row type the server knows, foreign keys, defaults. What belongs to the
 * old tables themselves is left out. $1 the root, $2 tables, $3 functions.
 */
const LIST_DEPENDENTS = `
  with recursive tree (oid) as (
    select to_regclass($1)::oid union all select i.inhrelid from tree t join pg_inherits i on i.inhparent = t.oid
  ), tables as materialized (
    select oid, case when oid = to_regclass($1) then 'root' else 'leaf' end as place from tree where oid is not null
    union all select to_regclass(name), 'table' from unnest($2::text[]) as name where to_regclass(name) is not null
  ), functions as materialized (
    select to_regprocedure(name)::oid as oid from unnest($3::text[]) as name
  ), target as (
    select 'pg_class'::regclass as classid, oid as objid, oid::regclass::text as on, place from tables
    union all
    select 'pg_type'::regclass, y.oid, t.oid::regclass::text, t.place
    from tables t join pg_class c on c.oid = t.oid join pg_type e on e.oid = c.reltype join pg_type y on y.oid in (e.oid, e.typarray)
    union all
    select 'pg_proc'::regclass, oid, oid::regprocedure::text, 'function' from functions
  )
  select distinct case when w.oid is null then pg_describe_object(d.classid, d.objid, 0)
                       else pg_describe_object('pg_class'::regclass, w.ev_class, 0) end as name,
         target.on, target.place, k.contype is not distinct from 'f' as "isReference"
  from target
  join pg_depend d on d.refclassid = target.classid and d.refobjid = target.objid and d.deptype = 'n'
  left join pg_rewrite w on d.classid = 'pg_rewrite'::regclass and w.oid = d.objid
  left join pg_constraint k on d.classid = 'pg_constraint'::regclass and k.oid = d.objid
  left join pg_attrdef a on d.classid = 'pg_attrdef'::regclass and a.oid = d.objid
  left join pg_trigger g on d.classid = 'pg_trigger'::regclass and g.oid = d.objid
  left join pg_policy p on d.classid = 'pg_policy'::regclass and p.oid = d.objid
  where not exists (select from tables t where t.oid = coalesce(k.conrelid, a.adrelid, g.tgrelid, p.polrelid))
    and target.objid is distinct from w.ev_class
    and coalesce(k.conparentid, 0) = 0
    and not (d.classid = 'pg_proc'::regclass and d.objid in (select oid from functions))
  order by 1, 2`;

/** Objects that depend on the tree below `root`, on tables, or on functions (written as `schema.name(types)`). */
export async function listDependents(
  db: Database,
  root: string,
  { tables, functions }: { readonly tables: readonly string[]; readonly functions: readonly string[] },
): Promise<readonly Dependent[]> {
  return queryRows(db, LIST_DEPENDENTS, [root, tables, functions]);
}

/** A role other than the owner, and an old table that it may use. */
export type Grant = { readonly role: string; readonly on: string };

const LIST_GRANTS = `
  select distinct case when a.grantee = 0 then 'public' else a.grantee::regrole::text end as role, c.oid::regclass::text as on
  from unnest($1::text[]) as name join pg_class c on c.oid = to_regclass(name)
  cross join lateral (
    select g.grantee from aclexplode(c.relacl) g
    union select g.grantee from pg_attribute t cross join lateral aclexplode(t.attacl) g where t.attrelid = c.oid
  ) a
  where a.grantee <> c.relowner order by 1, 2`;

/** The rights on these tables that the migration 000012_old_layout takes over. */
export async function listGrants(db: Database, tables: readonly string[]): Promise<readonly Grant[]> {
  return queryRows(db, LIST_GRANTS, [tables]);
}

const LIST_PUBLICATIONS = `
  with recursive published (oid) as (
    select to_regclass(name)::oid from unnest($1::text[]) as name
    union all select i.inhrelid from published p join pg_inherits i on i.inhparent = p.oid
  )
  select distinct quote_ident(b.pubname) as name from published p
  join pg_publication_rel r on r.prrelid = p.oid join pg_publication b on b.oid = r.prpubid order by 1`;

/** Publications that name one of these tables, or a leaf of it. */
export async function listPublications(db: Database, tables: readonly string[]): Promise<readonly string[]> {
  const rows = await queryRows<{ name: string }>(db, LIST_PUBLICATIONS, [tables]);
  return rows.map(({ name }) => name);
}

const LIST_TRIGGERS_AND_POLICIES = `
  with old as (select to_regclass(name)::oid as oid from unnest($1::text[]) as name)
  select pg_describe_object('pg_trigger'::regclass, g.oid, 0) as name from pg_trigger g join old on old.oid = g.tgrelid where not g.tgisinternal
  union all
  select pg_describe_object('pg_policy'::regclass, p.oid, 0) from pg_policy p join old on old.oid = p.polrelid
  order by 1`;

/** Triggers and policies of these tables: they stay with the old tables. */
export async function listTriggersAndPolicies(
  db: Database,
  tables: readonly string[],
): Promise<readonly string[]> {
  const rows = await queryRows<{ name: string }>(db, LIST_TRIGGERS_AND_POLICIES, [tables]);
  return rows.map(({ name }) => name);
}
