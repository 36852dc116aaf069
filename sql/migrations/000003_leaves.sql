-- The leaves of the candle table: a list of them, their phases, and the function that makes the next one.

select pg_catalog.pg_advisory_xact_lock(7020390112350);
set local search_path = pg_catalog, pg_temp;

-- The old system has a function of this name with another result.
drop function if exists r3a_util.leaf_partitions();

-- The leaves, each with its span of open times; there is no DEFAULT partition by design. Reads pg_inherits, because
-- pg_partition_tree locks every leaf, which is too much for a table of some thousand leaves.
create or replace function r3a_util.leaf_partitions()
returns table (leaf regclass, parent regclass, from_ts timestamptz, to_ts timestamptz)
language sql stable
begin atomic
  select c.oid::regclass, i.inhparent::regclass, b.edges[1]::timestamptz, b.edges[2]::timestamptz
  from pg_inherits l
  join pg_inherits i on i.inhparent = l.inhrelid and not i.inhdetachpending
  join pg_class c on c.oid = i.inhrelid and c.relkind = 'r'
  cross join lateral regexp_match(
    pg_get_expr(c.relpartbound, c.oid), 'FROM [(]''([^'']+)''[)] TO [(]''([^'']+)''[)]') as b (edges)
  where l.inhparent = 'r3a.ohlcv_partitioned'::regclass and b.edges is not null;
end;

-- Candle tables with their phase: the root, the list partitions (both 'parent') and the leaves. A leaf is open from two
-- days before its period until two days after: clocks differ, and candles can come late.
create or replace view r3a_util.candle_table as
select t.oid, t.parent, t.level, b.edges[1]::timestamptz as from_ts, n.nspname, c.relname,
       format('%I.%I', n.nspname, c.relname) as name, c.reloptions,
       case when t.level < 2 then 'parent'
            when b.edges[2]::timestamptz < now() - interval '2 days' then 'sealed'
            when b.edges[1]::timestamptz > now() + interval '2 days' then 'coming'
            else 'open' end as phase
from (
  select 'r3a.ohlcv_partitioned'::regclass::oid, null::oid, 0
  union all
  select i.inhrelid, i.inhparent, 1 from pg_inherits i
  where i.inhparent = 'r3a.ohlcv_partitioned'::regclass and not i.inhdetachpending
  union all
  select i.inhrelid, i.inhparent, 2 from pg_inherits l join pg_inherits i on i.inhparent = l.inhrelid
  where l.inhparent = 'r3a.ohlcv_partitioned'::regclass and not i.inhdetachpending
) as t (oid, parent, level)
join pg_class c on c.oid = t.oid
join pg_namespace n on n.oid = c.relnamespace
left join lateral regexp_match(
  pg_get_expr(c.relpartbound, c.oid), 'FROM [(]''([^'']+)''[)] TO [(]''([^'']+)''[)]') as b (edges) on t.level = 2
where t.level < 2 or c.relkind = 'r' and b.edges is not null;

-- Lets a role that only stores candles make the leaf that the candles need. A leaf must belong to the owner of its parent,
-- and the right to create in the schema would allow much more. The function runs with the rights of its owner, so it takes
-- no names: it makes the leaf of the layout that begins at a given time, and nothing else. Its search_path is fixed.
create or replace function r3a_util.make_leaf(_parent text, _from timestamptz, _storage jsonb) returns text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO'
as $$
declare
  -- the same layout as in the runner's partition/layout.ts
  months constant integer := case _parent when 'ohlcv_1m' then 1 when 'ohlcv_15m' then 3 when 'ohlcv_1h' then 12 when 'ohlcv_slow' then 12 end;
  suffix constant text := case months when 1 then '_MM' when 3 then '_"q"Q' else '' end;
  leaf constant text := _parent || '_' || to_char(_from, 'YYYY' || suffix);
  options text;
begin
  if months is null or isfinite(_from) is not true
     or _from <> date_trunc('month', _from) or (extract(month from _from)::integer - 1) % months <> 0 then
    raise exception 'no leaf of % begins at %', _parent, _from using errcode = '22023';
  end if;
  if exists (select from jsonb_each_text(_storage) o
             where o.key not in ('fillfactor', 'autovacuum_vacuum_insert_scale_factor', 'autovacuum_analyze_scale_factor')
                or o.value !~ '^[0-9]+([.][0-9]+)?$') then
    raise exception 'no leaf has the storage settings %', _storage using errcode = '22023';
  end if;
  -- two attaches to one parent exclude each other anyway: here they wait in order, before either has made a table
  perform pg_advisory_xact_lock(r3a_util.lock_key('leaf', _parent));
  if exists (select from pg_inherits where inhrelid = to_regclass(format('r3a.%I', leaf))) then
    return leaf;
  end if;
  select string_agg(format('%I = %s', o.key, o.value), ', ') into options from jsonb_each_text(_storage) o;
  -- a table of this name that stands alone is attached as it is
  execute format('create table if not exists r3a.%I (like r3a.%I including all) %s', leaf, _parent, 'with (' || options || ')');
  execute format('alter table r3a.%I attach partition r3a.%I for values from (%L) to (%L)',
                 _parent, leaf, _from, _from + make_interval(months => months));
  return leaf;
end
$$;

-- The function belongs to the owner of the table, also if a superuser runs this file. `migrate --roles` gives other roles
-- the right to call it.
revoke execute on function r3a_util.make_leaf(text, timestamptz, jsonb) from public;
do $$ begin
  execute (select format('alter function r3a_util.make_leaf(text, timestamptz, jsonb) owner to %I', pg_get_userbyid(relowner))
           from pg_class where oid = 'r3a.ohlcv_partitioned'::regclass and relowner <> (select oid from pg_roles where rolname = current_user));
exception when null_value_not_allowed then
  null; -- it is the owner's already
when insufficient_privilege then
  raise notice 'r3a_util.make_leaf belongs to %, and not to the owner of r3a.ohlcv_partitioned', current_user;
end $$;
