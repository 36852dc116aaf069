-- The ledger of maint's operations.

select pg_catalog.pg_advisory_xact_lock(7020390112350);
set local search_path = pg_catalog, pg_temp;

-- One row for each operation that began. If its run is gone, 'running' means that it was killed in the middle.
create table if not exists r3a_util.maint_op (
  id       bigint generated always as identity primary key,
  at       timestamptz not null default now(),
  run_id   uuid not null,
  op       text not null,
  object   text not null,
  attempt  integer not null,
  outcome  text not null check (outcome in ('running', 'done', 'failed', 'blocked')),
  sqlstate text,
  ms       integer,
  error    text
);
create index if not exists maint_op_object on r3a_util.maint_op (object, id);

-- Failed attempts since the last one that worked. An operation that waited for another session (blocked) has not failed.
create or replace view r3a_util.maint_attempt as
select o.object, count(*)::integer as attempts
from r3a_util.maint_op o
where o.outcome in ('running', 'failed')
  and not exists (select from r3a_util.maint_op d where d.object = o.object and d.outcome = 'done' and d.id > o.id)
group by o.object;
