-- What each run of health saw: the evidence behind a report on a month, and the past of each check.

select pg_catalog.pg_advisory_xact_lock(7020390112350);
set local search_path = pg_catalog, pg_temp;

-- Rows live as long as their run, which maint deletes after 400 days. component: interval, part or job; '' where a
-- check has none. observed is null where it could not be measured.
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
