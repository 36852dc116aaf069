-- The run ledger and the request budget that all jobs behind one address share.

select pg_advisory_xact_lock(7020390112350);

create table if not exists r3a.run (
  run_id           uuid primary key,
  command          text not null,
  arguments        text not null default '',
  started_at       timestamptz not null default now(),
  heartbeat_at     timestamptz not null default now(),
  finished_at      timestamptz,
  outcome          text not null default 'running'
    check (outcome in ('running', 'success', 'partial', 'failure', 'timeout', 'aborted')),
  exit_code        integer,
  deadline_s       integer,
  host             text,
  pid              integer,
  version          text,
  symbols_expected integer not null default 0,
  symbols_ok       integer not null default 0,
  rows_written     bigint not null default 0,
  rate_limit_hits  integer not null default 0,
  error_summary    text
);
create index if not exists run_started on r3a.run (command, started_at desc);
create index if not exists run_running on r3a.run (heartbeat_at) where outcome = 'running';

create table if not exists r3a.run_item (
  run_id     uuid not null references r3a.run on delete cascade,
  coin_id    integer not null,
  "interval" text not null,
  outcome    text not null check (outcome in ('success', 'partial', 'failure', 'skipped')),
  pages      integer not null,
  added      bigint not null,
  repaired   bigint not null,
  revised    bigint not null,
  gaps       integer not null,
  last_close timestamptz,
  ms         integer not null,
  error      text,
  primary key (run_id, coin_id, "interval")
);

-- Counters live here and not in count(*) over run, which shrinks when old runs are deleted. Seeded with 0: a
-- counter that first appears at 1 has no increase to alert on.
create table if not exists r3a.job_counter (
  command text not null,
  outcome text not null,
  n       bigint not null default 0,
  primary key (command, outcome)
);
insert into r3a.job_counter (command, outcome)
select command, outcome
from unnest(array['sync', 'backfill', 'verify', 'gaps', 'migrate']) as command,
     unnest(array['success', 'partial', 'failure', 'timeout', 'aborted']) as outcome
on conflict do nothing;

-- used: weight granted in the minute by the exchange's clock; used_late: the part of it near the minute's end, which
-- may arrive in the next one. hold_until: 429; firewall_until: 403, for
-- firewall_s seconds that double; banned_until: 418.
create table if not exists r3a.api_budget (
  egress_key     text primary key,
  minute         timestamptz not null default '-infinity',
  used           integer not null default 0,
  used_late      integer not null default 0,
  hold_until     timestamptz not null default '-infinity',
  firewall_until timestamptz not null default '-infinity',
  firewall_s     integer not null default 0,
  banned_until   timestamptz not null default '-infinity'
) with (fillfactor = 50);

-- Who holds which known lock: nobody can reverse a hash at three in the morning.
create or replace view r3a_util.lock_holder as
with known as (
  select 'series' as scope, c.symbol || ':' || s."interval" as key
  from r3a.coin c cross join (values ('1m'), ('15m'), ('1h'), ('4h'), ('1d')) as s ("interval")
  union all
  values ('migrate', 'schema'), ('universe', 'ranking'), ('universe', 'coins'),
         ('leaf', 'ohlcv_1m'), ('leaf', 'ohlcv_15m'), ('leaf', 'ohlcv_1h'), ('leaf', 'ohlcv_slow')
)
select k.scope, k.key, l.pid, l.granted, a.application_name, a.client_addr, a.state, a.backend_start, a.query
from pg_locks l
join known k on r3a_util.lock_key(k.scope, k.key) = (l.classid::bigint << 32) | l.objid::bigint
left join pg_stat_activity a on a.pid = l.pid
where l.locktype = 'advisory' and l.objsubid = 1
  and l.database = (select oid from pg_database where datname = current_database());
