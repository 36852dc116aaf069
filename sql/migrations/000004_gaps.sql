-- What each series lacks and why, and how many gaps are open. A sync works at the end of each series and asks for the gaps
-- that are due; all other gaps must cost nothing. So each question has an index, and the number of open gaps is kept up to
-- date instead of being counted at each run.

select pg_catalog.pg_advisory_xact_lock(7020390112350);
set local search_path = pg_catalog, pg_temp;

create table if not exists r3a.ohlcv_gap_log (
  id            uuid primary key,
  coin_id       integer not null references r3a.coin,
  "interval"    text not null,
  from_ts       timestamptz not null,
  to_ts         timestamptz not null,
  state         text not null check (state in ('open', 'repaired', 'confirmed_absent', 'before_listing', 'after_delisting')),
  reason        text not null check (reason in ('absent', 'failed', 'invalid', 'not_requested')),
  evidence      jsonb not null default '{}',
  attempts      integer not null default 0,
  created_at    timestamptz not null default now(),
  updated_at    timestamptz not null default now(),
  next_check_at timestamptz,
  run_id        uuid,
  check (from_ts < to_ts)
);
create unique index if not exists ohlcv_gap_log_unrepaired on r3a.ohlcv_gap_log (coin_id, "interval", from_ts)
  where state <> 'repaired';
-- For: gaps that failed, the earliest due first; and when the first open gap of a series is due.
create index if not exists ohlcv_gap_log_open on r3a.ohlcv_gap_log (coin_id, "interval", reason, next_check_at)
  where state = 'open';
-- For: the gaps of a series that are due, in parts. Rows of one answer are due at the same time; ordered by from_ts too, they
-- are neighbours and share a request.
create index if not exists ohlcv_gap_log_next on r3a.ohlcv_gap_log (coin_id, "interval", next_check_at, from_ts)
  where state <> 'repaired';
-- For: gaps before the listing that an earlier first candle refutes, and the ones that are due.
create index if not exists ohlcv_gap_log_unlisted on r3a.ohlcv_gap_log (coin_id, "interval", to_ts)
  where state = 'before_listing';
create index if not exists ohlcv_gap_log_unlisted_next on r3a.ohlcv_gap_log (coin_id, "interval", next_check_at)
  where state = 'before_listing';

-- The number of open gaps of each series; a gap in a span that nobody asked for does not count.
create table if not exists r3a.gap_count (
  coin_id    integer not null,
  "interval" text not null,
  open       bigint not null,
  primary key (coin_id, "interval")
) with (fillfactor = 70);

-- Each change of the log, by a job or a person, changes the count in the same transaction. The rows are changed in the order
-- of the key: two transactions that change gaps of the same series wait for each other, without a deadlock. The function
-- has the owner's rights, so a role that may write to the log needs no right to the count.
create or replace function r3a.count_gaps() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'TRUNCATE' then
    delete from r3a.gap_count;
  elsif tg_op = 'INSERT' then
    insert into r3a.gap_count as c (coin_id, "interval", open)
    select coin_id, "interval", count(*) from added
    where state = 'open' and reason <> 'not_requested' group by 1, 2 order by 1, 2
    on conflict (coin_id, "interval") do update set open = c.open + excluded.open;
  elsif tg_op = 'DELETE' then
    insert into r3a.gap_count as c (coin_id, "interval", open)
    select coin_id, "interval", -count(*) from gone
    where state = 'open' and reason <> 'not_requested' group by 1, 2 order by 1, 2
    on conflict (coin_id, "interval") do update set open = c.open + excluded.open;
  else
    insert into r3a.gap_count as c (coin_id, "interval", open)
    select coin_id, "interval", sum(n) from (
      select coin_id, "interval", 1 as n from added where state = 'open' and reason <> 'not_requested'
      union all
      select coin_id, "interval", -1 from gone where state = 'open' and reason <> 'not_requested'
    ) changed
    group by 1, 2 having sum(n) <> 0 order by 1, 2
    on conflict (coin_id, "interval") do update set open = c.open + excluded.open;
  end if;
  return null;
end $$;

create or replace trigger count_added after insert on r3a.ohlcv_gap_log
  referencing new table as added for each statement execute function r3a.count_gaps();
create or replace trigger count_changed after update on r3a.ohlcv_gap_log
  referencing old table as gone new table as added for each statement execute function r3a.count_gaps();
create or replace trigger count_deleted after delete on r3a.ohlcv_gap_log
  referencing old table as gone for each statement execute function r3a.count_gaps();
create or replace trigger count_emptied after truncate on r3a.ohlcv_gap_log
  for each statement execute function r3a.count_gaps();

-- To create the triggers locked the log: no other session writes to it before this transaction is committed.
delete from r3a.gap_count;
insert into r3a.gap_count (coin_id, "interval", open)
select coin_id, "interval", count(*) from r3a.ohlcv_gap_log
where state = 'open' and reason <> 'not_requested' group by 1, 2;
