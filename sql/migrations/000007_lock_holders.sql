-- Which session holds which known lock: the server itself shows the hash of a key, which no person can read.

select pg_catalog.pg_advisory_xact_lock(7020390112350);
set local search_path = pg_catalog, pg_temp;

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
