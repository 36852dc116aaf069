-- The results of each run of health: the evidence for a report on a month, and the history of each check.

select pg_catalog.pg_advisory_xact_lock(7020390112350);
set local search_path = pg_catalog, pg_temp;

-- Rows are deleted with their run, by maint after 400 days. component: interval, part or job; '' if a check has none.
-- observed is null if it could not be measured.
create table if not exists r3a.health_result (
  run_id     uuid not null references r3a.run on delete cascade,
  check_name text not null,
  component  text not null,
  checked_at timestamptz not null,
  status     text not null check (status in ('pass', 'warn', 'fail', 'error', 'skip')),
  observed   double precision,
  unit       text not null,
  criteria   jsonb not null,
  output     text not null,
  names      text[] not null,
  primary key (run_id, check_name, component)
);
create index if not exists health_result_history on r3a.health_result (check_name, component, checked_at desc);
