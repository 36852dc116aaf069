-- Lets a role that only stores candles make the leaf that they need: a leaf must belong to the owner of its parent, and who
-- may create anything in the schema may do much more than that. The function runs with the rights of its owner, so it takes
-- no names: it makes the leaf of the layout that holds a given time, and nothing else. Its path is fixed.

select pg_advisory_xact_lock(7020390112350);

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

-- Whoever owns the table makes its leaves, also where a superuser runs this file. Who else may is decided by
-- `migrate --roles`.
revoke execute on function r3a_util.make_leaf(text, timestamptz, jsonb) from public;
do $$ begin
  execute (select format('alter function r3a_util.make_leaf(text, timestamptz, jsonb) owner to %I', pg_get_userbyid(relowner))
           from pg_class where oid = 'r3a.ohlcv_partitioned'::regclass and relowner <> (select oid from pg_roles where rolname = current_user));
exception when null_value_not_allowed then
  null; -- it is the owner's already
when insufficient_privilege then
  raise notice 'r3a_util.make_leaf belongs to %, and not to the owner of r3a.ohlcv_partitioned', current_user;
end $$;
