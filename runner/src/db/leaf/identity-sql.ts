/**
 * $1 the table, $2 and $3 schema and name of the target, $4 triggers that are no property, $5 the constraint that the swap
 * drops, $6 whether the fill factor is no property. The order of the rows is the order of the statements.
 *
 * An index has no name of its own where two tables are compared by what they have: `definition` is its statement without
 * the name. Invalid indexes that a REINDEX CONCURRENTLY left are no property.
 */
export const IDENTITY = `
  with t as (
    select c.*, n.nspname, format('%I.%I', $2::text, $3::text) as target
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = $1::oid
  ), role as (
    select oid, quote_ident(rolname) as name from pg_roles union all select 0, 'public'
  ), col as (
    select t.target, a.*, pg_get_expr(d.adbin, d.adrelid) as fallback
    from t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  ), idx as (
    select t.target, x.*, i.relname, i.reloptions, k.oid as constraint, k.contype, a.amname,
           (select spcname from pg_tablespace s where s.oid = i.reltablespace) as space,
           case when k.oid is not null then pg_get_constraintdef(k.oid)
                else case when x.indisunique then 'unique ' else '' end || substr(pg_get_indexdef(i.oid), length(format('CREATE %sINDEX %I ON %s%I.%I ',
                       case when x.indisunique then 'UNIQUE ' end, i.relname, case when t.relkind = 'p' then 'ONLY ' end, t.nspname, t.relname)) + 1) end as definition
    from t join pg_index x on x.indrelid = t.oid join pg_class i on i.oid = x.indexrelid join pg_am a on a.oid = i.relam
    left join pg_constraint k on k.conindid = x.indexrelid and k.conrelid = x.indrelid and k.contype in ('p', 'u', 'x')
    where x.indisvalid or i.relname !~ '_cc(new|old)[0-9]*$'
  ), stx as (
    select t.target, s.*, array_to_string(array(
             select case kind when 'd' then 'ndistinct' when 'f' then 'dependencies' when 'm' then 'mcv' end
             from unnest(s.stxkind) as kind where kind <> 'e'), ', ') as kinds,
           coalesce((to_jsonb(s) ->> 'stxstattarget')::int, -1) as goal
    from t join pg_statistic_ext s on s.stxrelid = t.oid
  ), trg as (
    select t.target, g.*, pg_get_triggerdef(g.oid) as definition, format(' ON %I.%I ', t.nspname, t.relname) as place
    from t join pg_trigger g on g.tgrelid = t.oid where not g.tgisinternal and g.tgparentid = 0 and g.tgname <> all ($4::text[])
  ), line (place, stage, sql, name, definition) as (
    select 10, 'table', format('alter table %s owner to %I', target, pg_get_userbyid(relowner)), null, null from t
    union all
    select 11, 'table', format('grant %s on %s to %s%s', lower(a.privilege_type), target, r.name, case when a.is_grantable then ' with grant option' else '' end), null, null
    from t cross join lateral aclexplode(coalesce(t.relacl, acldefault('r', t.relowner))) a join role r on r.oid = a.grantee
    union all
    select 12, 'table', format('grant %s (%I) on %s to %s%s', lower(a.privilege_type), col.attname, target, r.name, case when a.is_grantable then ' with grant option' else '' end), null, null
    from col cross join lateral aclexplode(col.attacl) a join role r on r.oid = a.grantee
    union all
    select 13, 'table', format('alter table %s set (%I = %L)', target, o.option_name, o.option_value), null, null
    from t cross join lateral pg_options_to_table(t.reloptions) o where not ($6::boolean and o.option_name = 'fillfactor')
    union all
    select 14, 'table', format('alter table %s set (toast.%I = %L)', target, o.option_name, o.option_value), null, null
    from t join pg_class s on s.oid = t.reltoastrelid cross join lateral pg_options_to_table(s.reloptions) o
    union all
    select 15, 'table', format('alter table %s alter column %I %s', target, attname, w.does), null, null
    from col cross join lateral (values
      (format('set statistics %s', coalesce(attstattarget, -1))),
      (format('set storage %s', case attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' else 'extended' end)),
      (case when attlen = -1 then format('set compression %s', case attcompression when 'p' then 'pglz' when 'l' then 'lz4' else 'default' end) end),
      (case when attgenerated = '' then coalesce('set default ' || fallback, 'drop default') end),
      (case when attnotnull then 'set not null' else 'drop not null' end)) as w (does)
    where w.does is not null
    union all
    select 16, 'table', format('alter table %s alter column %I set (%I = %L)', target, attname, o.option_name, o.option_value), null, null
    from col cross join lateral pg_options_to_table(col.attoptions) o
    union all
    select 17, 'table', format('comment on table %s is %L', target, d.description), null, null
    from t join pg_description d on d.classoid = 'pg_class'::regclass and d.objoid = t.oid and d.objsubid = 0
    union all
    select 18, 'table', format('comment on column %s.%I is %L', target, attname, d.description), null, null
    from col join pg_description d on d.classoid = 'pg_class'::regclass and d.objoid = col.attrelid and d.objsubid = col.attnum
    union all
    select 20 + (contype is distinct from 'p')::int, 'build', case when idx.constraint is not null then format('alter table %s add constraint %I %s', target, relname, idx.definition)
           else format('create %sindex %I on %s %s', case when indisunique then 'unique ' end, relname, target, regexp_replace(idx.definition, '^unique ', '')) end,
           relname, idx.definition
    from idx
    union all
    select 30, 'index', format('alter index %I.%I set (%I = %L)', $2::text, relname, o.option_name, o.option_value), null, null
    from idx cross join lateral pg_options_to_table(idx.reloptions) o where idx.constraint is not null
    union all
    select 31, 'index', format('alter index %I.%I set tablespace %I', $2::text, relname, space), null, null from idx where space is not null
    union all
    select 32, 'index', format('alter index %I.%I alter column %s set statistics %s', $2::text, relname, a.attnum, a.attstattarget), null, null
    from idx join pg_attribute a on a.attrelid = idx.indexrelid where coalesce(a.attstattarget, -1) >= 0
    union all
    select 33, 'index', format('alter table %s cluster on %I', target, relname), null, null from idx where indisclustered
    union all
    select 34, 'index', format('alter table %s replica identity %s', target, case relreplident when 'f' then 'full' when 'n' then 'nothing' else 'default' end), null, null
    from t where relreplident <> 'i'
    union all
    select 34, 'index', format('alter table %s replica identity using index %I', target, relname), null, null from idx where indisreplident
    union all
    select 35, 'index', format('comment on index %I.%I is %L', $2::text, relname, d.description), null, null
    from idx join pg_description d on d.classoid = 'pg_class'::regclass and d.objoid = idx.indexrelid and d.objsubid = 0
    union all
    select 36, 'index', format('alter table %s add constraint %I %s', target, conname, pg_get_constraintdef(k.oid)), null, null
    from t join pg_constraint k on k.conrelid = t.oid and k.contype = 'c' and k.conname <> $5
    union all
    select 37, 'index', format('comment on constraint %I on %s is %L', conname, target, d.description), null, null
    from t join pg_constraint k on k.conrelid = t.oid join pg_description d on d.classoid = 'pg_constraint'::regclass and d.objoid = k.oid
    union all
    select 38, 'index', format('create statistics %I.%I%s on %s from %s', $2::text, stxname, ' (' || nullif(kinds, '') || ')', pg_get_statisticsobjdef_columns(oid), target), null, null
    from stx
    union all
    select 39, 'index', format('alter statistics %I.%I set statistics %s', $2::text, stxname, goal), null, null from stx where goal >= 0
    union all
    select 40, 'index', format('comment on statistics %I.%I is %L', $2::text, stxname, d.description), null, null
    from stx join pg_description d on d.classoid = 'pg_statistic_ext'::regclass and d.objoid = stx.oid
    union all
    select 50, 'late', overlay(trg.definition placing format(' ON %s ', target) from position(trg.place in trg.definition) for length(trg.place)), null, null
    from trg
    union all
    select 51, 'late', format('alter table %s %s trigger %I', target, case tgenabled when 'D' then 'disable' when 'R' then 'enable replica' else 'enable always' end, tgname), null, null
    from trg where tgenabled <> 'O'
    union all
    select 52, 'late', format('comment on trigger %I on %s is %L', tgname, target, d.description), null, null
    from trg join pg_description d on d.classoid = 'pg_trigger'::regclass and d.objoid = trg.oid
  )
  select stage, sql, name, definition from line where sql is not null order by place, sql`;
