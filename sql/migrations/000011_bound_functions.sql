-- Every function and view once more, bound to the server's own functions and operators, and read with the usual rules of
-- quoting. As text they were read anew at each call, by the search_path and standard_conforming_strings of whoever called
-- them: a role that may create a function in a schema of that path ran code as its callers, and with the latter off no
-- leaf was recognised. Bodies of SQL (begin atomic) are bound when they are made and can still be inlined; plpgsql has a
-- path of its own. No literal has a backslash: a file is read before its first statement is done. What they do is unchanged. Whoever changes one of them later drops first what stands on it.

select pg_catalog.pg_advisory_xact_lock(7020390112350);

set local search_path = pg_catalog, pg_temp;

create or replace function r3a_util.lock_key(_scope text, _key text) returns bigint
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp set standard_conforming_strings = on
as $$
begin
  if _scope is null or _key is null then
    raise exception 'a lock needs a scope and a key, got (%, %)', _scope, _key using errcode = '22004';
  end if;
  return ('x' || substr(encode(sha256(convert_to('r3a:v1:' || _scope || ':' || _key, 'UTF8')), 'hex'), 1, 16))::bit(64)::bigint;
end
$$;

create or replace function r3a_util.acquire_lock(_scope text, _key text) returns boolean
language sql volatile
begin atomic
  select pg_try_advisory_lock(r3a_util.lock_key(_scope, _key));
end;

create or replace function r3a_util.release_lock(_scope text, _key text) returns boolean
language sql volatile
begin atomic
  select pg_advisory_unlock(r3a_util.lock_key(_scope, _key));
end;

create or replace view r3a_util.lock_holder as
with known as (
  select 'series' as scope, c.symbol || ':' || s."interval" as key
  from r3a.coin c cross join (values ('1m'), ('15m'), ('1h'), ('4h'), ('1d')) as s ("interval")
  union all
  values ('migrate', 'schema'), ('migrate-layout', 'global'), ('universe', 'ranking'), ('universe', 'coins'),
         ('leaf', 'ohlcv_1m'), ('leaf', 'ohlcv_15m'), ('leaf', 'ohlcv_1h'), ('leaf', 'ohlcv_slow'),
         ('maint', 'global'), ('refresh-lastts', 'global'), ('vacuum', 'global')
)
select k.scope, k.key, l.pid, l.granted, a.application_name, a.client_addr, a.state, a.backend_start, a.query
from pg_locks l
join known k on r3a_util.lock_key(k.scope, k.key) = (l.classid::bigint << 32) | l.objid::bigint
left join pg_stat_activity a on a.pid = l.pid
where l.locktype = 'advisory' and l.objsubid = 1
  and l.database = (select oid from pg_database where datname = current_database());

create or replace view r3a_util.maint_attempt as
select o.object, count(*)::integer as attempts
from r3a_util.maint_op o
where o.outcome in ('running', 'failed')
  and not exists (select from r3a_util.maint_op d where d.object = o.object and d.outcome = 'done' and d.id > o.id)
group by o.object;

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

create or replace function r3a_util.wanted_index(_only regclass default null)
returns table (oid oid, parent oid, level integer, phase text, from_ts timestamptz, name text, table_options text[],
               kind text, indexrelid oid, indisvalid boolean, is_constraint boolean, upper oid, index_options text[], plain_name text, index_name text)
language sql stable
-- without the first the planner expects one row and joins some thousand of them with themselves in nested loops (17 s for
-- 2,000 leaves); the second keeps it from looking through the function and expecting one row again
rows 5000 set plan_cache_mode = force_custom_plan
-- bounds are printed and read again: "CST" of another DateStyle is a zone of America there
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

create or replace function r3a_util.maint_index_plan(_pages_per_range integer, _fillfactor integer, _only regclass default null)
returns table (attempts integer, rank integer, leaf regclass, table_name text, kind text, op text, object text, sql text,
               is_concurrent boolean, builder integer)
language sql stable
begin atomic
  with wanted as materialized (
    select w.*,
           coalesce((select option_value::integer from pg_options_to_table(w.table_options) where option_name = 'fillfactor'), 100) as fill,
           coalesce((select option_value::integer from pg_options_to_table(w.index_options) where option_name = 'pages_per_range'), 128) as pages,
           coalesce((select option_value::boolean from pg_options_to_table(w.index_options) where option_name = 'autosummarize'), false) as is_auto
    from r3a_util.wanted_index(_only) w
  ), children as materialized (
    select w.parent, w.kind, w.upper, count(*) as n, count(*) filter (where w.indisvalid) as valid, min(w.index_name) as one
    from wanted w where w.kind <> 'leftover' group by w.parent, w.kind, w.upper
  ), state as materialized (
    select w.*, u.index_name as upper_name,
           -- an attach to an index of the parent that is still missing comes in the next plan; a list partition's index
           -- is attached when it is valid, so that the last leaf below it need not lock the root (see attach_lock)
           u.indexrelid is not null and w.upper is distinct from u.indexrelid and (w.level = 2 or w.indisvalid) as is_loose,
           -- the attach that makes a parent valid looks at the parent's parent too, and locks its index before its table:
           -- a writer takes them the other way round. Taking the table first is what prevents the deadlock.
           case when case w.level when 2 then u.upper is not null and not u.indisvalid else w.upper is not null end
                then 'LOCK TABLE ONLY r3a.ohlcv_partitioned IN ACCESS EXCLUSIVE MODE; ' else '' end as attach_lock,
           -- one group of children, all attached to this index and all valid: nothing but a word keeps it invalid
           (select min(c.one) from children c where c.parent = w.oid and c.kind = w.kind
            having bool_and(c.upper is not distinct from w.indexrelid and c.n = c.valid)) as proof
    from wanted w
    left join wanted u on u.oid = w.parent and u.kind = w.kind
  ), text as materialized (
    select s.*,
           case when s.kind = 'btree' then '(coin_id, "interval", "timestamp")'
                else format('USING brin ("timestamp") WITH (pages_per_range = %s, autosummarize = on)', _pages_per_range) end as definition,
           s.attach_lock
             || case when s.kind = 'btree' and s.level = 2 and s.is_constraint is not true
                     then format('ALTER TABLE %s ADD CONSTRAINT %s PRIMARY KEY USING INDEX %s; ', s.name, s.plain_name, s.plain_name)
                     else '' end
             || format('ALTER INDEX %s ATTACH PARTITION %s', s.upper_name, s.index_name) as attach,
           case when s.phase <> 'open' then 50 when s.indexrelid is null then 45 else 40 end as urgency,
           case when s.phase = 'open' then 'CONCURRENTLY ' else '' end as concurrently,
           case when s.kind = 'btree' then 'CREATE UNIQUE INDEX' else 'CREATE INDEX' end as creating
    from state s
  ), work as (
    -- on parents: without the children, which follow one by one
    select 30 as rank, t.oid, t.kind, 'create-parent' as op, t.index_name as object, 1 as step, false as is_concurrent,
           case when t.kind = 'btree' then format('ALTER TABLE ONLY %s ADD CONSTRAINT %s PRIMARY KEY %s', t.name, t.plain_name, t.definition)
                else format('CREATE INDEX %s ON ONLY %s %s', t.plain_name, t.name, t.definition) end as sql
    from text t where t.phase = 'parent' and t.indexrelid is null
    union all
    -- beside writers a build is concurrent, and one that dies leaves an INVALID index; a REINDEX heals it, and can never
    -- lose a valid one as a drop might. Without writers the plain one is one scan and leaves nothing.
    select t.urgency, t.oid, t.kind, case when t.indexrelid is null then 'build' else 'rebuild' end, t.index_name, 1, t.phase = 'open',
           case when t.indexrelid is null then format('%s %s%s ON %s %s', t.creating, t.concurrently, t.plain_name, t.name, t.definition)
                else format('REINDEX INDEX %s%s', t.concurrently, t.index_name) end
    from text t where t.level = 2 and t.kind <> 'leftover' and t.indisvalid is not true
    union all
    select case when t.level = 1 then 60 when t.indisvalid then 70 else t.urgency end, t.oid, t.kind, 'attach', t.index_name, 2, false, t.attach
    from text t where t.kind <> 'leftover' and t.is_loose
    union all
    -- after all children are valid a parent stays invalid until one of them is attached once more
    select 60, t.oid, t.kind, 'revalidate', t.index_name, 3, false,
           t.attach_lock || format('ALTER INDEX %s ATTACH PARTITION %s', t.index_name, t.proof)
    from text t where t.level < 2 and not t.indisvalid and t.proof is not null
    union all
    -- the pages of a BRIN are fixed when it is built; the table is locked before the index, as writers do. Of leaves alone:
    -- the server refuses the option of a parent's index, and where that has others the leaves made by it are mended here
    select 75, t.oid, t.kind, 'set-pages', t.index_name, 4, false,
           format('LOCK TABLE %s IN SHARE MODE; ALTER INDEX %s SET (pages_per_range = %s); REINDEX INDEX %s',
                  t.name, t.index_name, _pages_per_range, t.index_name)
    from text t where t.level = 2 and t.kind = 'brin_ts' and t.pages <> _pages_per_range and t.indisvalid
    union all
    select 80, t.oid, t.kind, 'set-autosummarize', t.index_name, 5, false,
           format('ALTER INDEX %s SET (autosummarize = on)', t.index_name)
    from text t where t.kind = 'brin_ts' and t.phase = 'open' and t.indisvalid and not t.is_auto
    union all
    select 80, t.oid, 'fillfactor', 'fillfactor', t.name, 6, false, format('ALTER TABLE %s SET (fillfactor = %s)', t.name, f.want)
    from text t
    cross join lateral (select case when t.parent = 'r3a.ohlcv_1m'::regclass and t.phase <> 'sealed' then _fillfactor else 100 end) as f (want)
    where t.level = 2 and t.kind = 'btree' and t.fill <> f.want
    union all
    select t.urgency, t.oid, t.kind, 'drop-leftover', t.index_name, 0, false,
           format('DROP INDEX %s', t.index_name)
    from text t where t.kind = 'leftover'
  ), builders as (
    select relation, min(pid) as pid from pg_locks
    where locktype = 'relation' and mode = 'ShareUpdateExclusiveLock' and granted and pid <> pg_backend_pid()
      and database = (select d.oid from pg_database d where d.datname = current_database())
    group by relation
  )
  select coalesce(a.attempts, 0), w.rank, w.oid::regclass, t.name, w.kind, w.op, w.object, w.sql, w.is_concurrent, b.pid
  from work w
  join wanted t on t.oid = w.oid and t.kind = 'btree'
  left join builders b on b.relation = w.oid
  left join r3a_util.maint_attempt a on a.object = w.object
  where _only is null or w.oid = _only
  order by coalesce(a.attempts, 0), w.rank, t.from_ts desc nulls first, t.level, t.name,
           w.kind <> 'leftover', w.kind <> 'btree', w.step, w.object;
end;

create or replace function r3a_util.index_names(leaf regclass, out btree_name text, out brin_ts_name text)
language sql stable
begin atomic
  select min(w.plain_name) filter (where w.kind = 'btree'), min(w.plain_name) filter (where w.kind = 'brin_ts')
  from r3a_util.wanted_index(index_names.leaf) w where w.oid = index_names.leaf;
end;

create or replace function r3a_util.generate_index_sql(_pages_per_range integer default 32, _fillfactor integer default 90)
returns table (leaf regclass, kind text, sql text)
language sql stable
begin atomic
  select p.leaf, p.kind, p.sql from r3a_util.maint_index_plan(_pages_per_range, _fillfactor) p where p.builder is null;
end;

create or replace function r3a_util.generate_index_sql_limited(
  _pages_per_range integer default 32, _fillfactor integer default 90, _max_ops integer default null)
returns table (leaf regclass, kind text, sql text)
language sql stable
begin atomic
  select p.leaf, p.kind, p.sql from r3a_util.maint_index_plan(_pages_per_range, _fillfactor) p where p.builder is null
  limit _max_ops;
end;
