-- Which index of each kind each candle table has, and which it should have.

select pg_catalog.pg_advisory_xact_lock(7020390112350);
set local search_path = pg_catalog, pg_temp;

-- The old system has a function of this name with another result.
drop function if exists r3a_util.index_names(regclass);

-- Finds the kind of an index by its definition and not by its name; null: an index that maint does not want.
create or replace view r3a_util.candle_index as
select x.indrelid, x.indexrelid, c.relname, x.indisvalid, o.oid is not null as is_constraint, c.reloptions, i.inhparent as upper,
       case when x.indpred is not null or x.indexprs is not null then null
            when am.amname = 'btree' and x.indisunique and x.indkey::text = concat_ws(' ', a.coin, a.width, a.ts) then 'btree'
            when am.amname = 'brin' and x.indkey::text = a.ts::text then 'brin_ts' end as kind
from pg_index x
join pg_class c on c.oid = x.indexrelid
join pg_am am on am.oid = c.relam
left join pg_constraint o on o.conindid = x.indexrelid and o.conrelid = x.indrelid and o.contype in ('p', 'u')
left join pg_inherits i on i.inhrelid = x.indexrelid
cross join lateral (select
  (select attnum from pg_attribute where attrelid = x.indrelid and attname = 'coin_id') as coin,
  (select attnum from pg_attribute where attrelid = x.indrelid and attname = 'interval') as width,
  (select attnum from pg_attribute where attrelid = x.indrelid and attname = 'timestamp') as ts) as a;

-- For each candle table and kind: the index that the table has, or the name that its index will get. Also leftovers: a
-- REINDEX CONCURRENTLY that died leaves an invalid index with the name of another index of the table and a suffix. `_only`:
-- one table with its parent and its children. If the root has several indexes of a kind, the oldest is the one of R3A: a
-- BRIN that a person made there had the name that R3A's own would get, and was taken for it.
create or replace function r3a_util.wanted_index(_only regclass default null)
returns table (oid oid, parent oid, level integer, phase text, from_ts timestamptz, name text, table_options text[],
               kind text, indexrelid oid, indisvalid boolean, is_constraint boolean, upper oid, index_options text[], plain_name text, index_name text)
language sql stable
-- without `rows` the planner expects one row and joins some thousand rows with themselves in nested loops (17 s for 2,000
-- leaves); the plan_cache_mode keeps the planner from inlining the function, after which it would expect one row again
rows 5000 set plan_cache_mode = force_custom_plan
-- the function prints bounds and reads them again: in another DateStyle a zone such as "CST" would be read as America's
set datestyle = 'ISO, YMD' set timezone = 'UTC'
begin atomic
  with tables as materialized (
    select * from r3a_util.candle_table t
    where _only is null or _only in (t.oid, t.parent)
       or t.oid = (select inhparent from pg_inherits where inhrelid = _only)
  ), indexes as materialized (
    select x.*, substring(x.relname from '_cc(?:new|old)[0-9]*$') as label
    from r3a_util.candle_index x where x.indrelid = any (array(select t.oid from tables t))
  ), leftovers as materialized (
    select distinct x.* from indexes x
    join indexes base on base.indrelid = x.indrelid and left(base.relname, 63 - length(x.label)) || x.label = x.relname
    where x.label is not null and not x.indisvalid and x.upper is null
  ), chosen as (
    select distinct on (t.oid, k.kind) t.oid, k.kind, x.indexrelid, x.indisvalid, x.is_constraint, x.upper, x.reloptions, coalesce(x.relname, n.plain) as relname
    from tables t
    cross join (values ('btree', '_pkey'), ('brin_ts', '_timestamp_idx')) as k (kind, suffix)
    cross join lateral (select left(t.relname, 63 - length(k.suffix)) || k.suffix) as n (plain)
    left join indexes x on x.indrelid = t.oid and x.kind = k.kind and x.indexrelid not in (select l.indexrelid from leftovers l)
    order by t.oid, k.kind, case when t.level = 0 then x.indexrelid::bigint end, x.upper is null, not x.indisvalid, x.relname <> n.plain,
             x.indexrelid
  )
  select t.oid, t.parent, t.level, t.phase, t.from_ts, t.name, t.reloptions, c.kind, c.indexrelid, c.indisvalid, c.is_constraint, c.upper,
         c.reloptions, format('%I', c.relname), format('%I.%I', t.nspname, c.relname)
  from tables t
  join (select * from chosen
        union all select indrelid, 'leftover', indexrelid, indisvalid, is_constraint, upper, reloptions, relname from leftovers) as c on c.oid = t.oid;
end;

-- The names of a leaf's two indexes: the names that they have, or will get.
create or replace function r3a_util.index_names(leaf regclass, out btree_name text, out brin_ts_name text)
language sql stable
begin atomic
  select min(w.plain_name) filter (where w.kind = 'btree'), min(w.plain_name) filter (where w.kind = 'brin_ts')
  from r3a_util.wanted_index(index_names.leaf) w where w.oid = index_names.leaf;
end;
