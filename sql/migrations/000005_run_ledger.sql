-- The ledger: the runs, what each did to each series, and counters of how runs ended.

select pg_catalog.pg_advisory_xact_lock(7020390112350);
set local search_path = pg_catalog, pg_temp;

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
  error_summary    text,
  -- what started the run: the name of a job of the installation, e.g. sync-1m; null: a person, by hand
  origin           text
);
create index if not exists run_started on r3a.run (command, started_at desc);
create index if not exists run_started_at on r3a.run (started_at);
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

-- A count over r3a.run would shrink when old runs are deleted, so the counters are stored. They begin with 0: an alert sees
-- no increase in a counter that first appears with 1.
create table if not exists r3a.job_counter (
  command text not null,
  outcome text not null,
  n       bigint not null default 0,
  primary key (command, outcome)
);
insert into r3a.job_counter (command, outcome)
select command, outcome
from unnest(array['sync', 'backfill', 'verify', 'gaps', 'migrate', 'migrate-layout', 'maint', 'refresh-lastts', 'vacuum', 'health']) as command,
     unnest(array['success', 'partial', 'failure', 'timeout', 'aborted']) as outcome
on conflict do nothing;
