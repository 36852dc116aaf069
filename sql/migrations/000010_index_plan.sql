-- What maint does to indexes and fill factors, as a plan that users of psql can read too.

select pg_catalog.pg_advisory_xact_lock(7020390112350);
set local search_path = pg_catalog, pg_temp;

-- The old system has functions of these names with other results.
drop function if exists r3a_util.generate_index_sql_limited(integer, integer, integer);
drop function if exists r3a_util.generate_index_sql(integer, integer);

-- Every statement that an index or a fill factor still needs, the most valuable first; statements that failed before come
-- last. The command maint runs these very statements, so no other place decides them. One statement is one operation: its
-- parts, separated by ';', belong into one transaction. `builder` is a session that works on the table (an index build or a
-- vacuum): the operations of the table wait until it is gone. `_only`: one table. Indexes are read first and locks after, so
-- a build that ends in between can look unfinished and without a builder in one reading: maint reads again before it acts.
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
           -- if the parent's index is missing, the attach comes in the next plan; a list partition's index is attached
           -- only when it is valid, so that the last leaf below it need not lock the root (see attach_lock)
           u.indexrelid is not null and w.upper is distinct from u.indexrelid and (w.level = 2 or w.indisvalid) as is_loose,
           -- the attach that makes a parent valid looks at the parent's parent too, and locks its index before its table;
           -- a writer locks the table first. To lock the table first here too prevents the deadlock.
           case when case w.level when 2 then u.upper is not null and not u.indisvalid else w.upper is not null end
                then 'LOCK TABLE ONLY r3a.ohlcv_partitioned IN ACCESS EXCLUSIVE MODE; ' else '' end as attach_lock,
           -- all children are valid and attached to this index: only its own flag says that it is invalid
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
    -- on a parent alone: the indexes of its children follow one by one
    select 30 as rank, t.oid, t.kind, 'create-parent' as op, t.index_name as object, 1 as step, false as is_concurrent,
           case when t.kind = 'btree' then format('ALTER TABLE ONLY %s ADD CONSTRAINT %s PRIMARY KEY %s', t.name, t.plain_name, t.definition)
                else format('CREATE INDEX %s ON ONLY %s %s', t.plain_name, t.name, t.definition) end as sql
    from text t where t.phase = 'parent' and t.indexrelid is null
    union all
    -- where jobs write, a build is concurrent, and a build that dies leaves an INVALID index. REINDEX repairs it, and
    -- cannot lose a valid index as a drop could. Where nobody writes, a plain build needs one scan and leaves nothing.
    select t.urgency, t.oid, t.kind, case when t.indexrelid is null then 'build' else 'rebuild' end, t.index_name, 1, t.phase = 'open',
           case when t.indexrelid is null then format('%s %s%s ON %s %s', t.creating, t.concurrently, t.plain_name, t.name, t.definition)
                else format('REINDEX INDEX %s%s', t.concurrently, t.index_name) end
    from text t where t.level = 2 and t.kind <> 'leftover' and t.indisvalid is not true
    union all
    select case when t.level = 1 then 60 when t.indisvalid then 70 else t.urgency end, t.oid, t.kind, 'attach', t.index_name, 2, false, t.attach
    from text t where t.kind <> 'leftover' and t.is_loose
    union all
    -- when all children are valid, a parent stays invalid until one of them is attached once more
    select 60, t.oid, t.kind, 'revalidate', t.index_name, 3, false,
           t.attach_lock || format('ALTER INDEX %s ATTACH PARTITION %s', t.index_name, t.proof)
    from text t where t.level < 2 and not t.indisvalid and t.proof is not null
    union all
    -- the pages of a BRIN are fixed when it is built; the table is locked before the index, as writers do. Only for leaves:
    -- the server refuses this change of a parent's index, and leaves that got other pages from the parent are set here
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
