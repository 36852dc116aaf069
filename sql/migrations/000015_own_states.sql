-- A gap in a span that no run asked for was `open` with the reason `not_requested`, and each reader had to leave it out by
-- hand; one that forgot to do so called it open. It gets a state of its own: `open` then means the same everywhere. A run of
-- verify or health that found something was a `failure`, as a run that could not do its work; it gets an outcome of its own.
--
-- An image from before this file goes on until the deployment replaces it. It reads the new state without harm: it prints it,
-- keeps it, and does not count it as open, but its backfill leaves such a gap out. If it writes a gap in the old form (only a
-- backfill apart from what is stored, and migrate-layout, do so), the table refuses the row: the page is rolled back, and the
-- run fails with the name of the constraint ohlcv_gap_log_asked. The same command succeeds with the new image. A trigger that
-- rewrote the old form would cost each page for good, for the sake of these minutes.

select pg_catalog.pg_advisory_xact_lock(7020390112350);
set local search_path = pg_catalog, pg_temp;

-- One pass over the log, in one transaction. Nobody reads or writes the log meanwhile: 1 s with 500,000 gaps, measured on a
-- busy machine (52 s if each of them has to be changed; a log of a running system has a few). A job that waits for longer
-- than 5 s ends with 75, and its next run succeeds.
do $$ begin
  if exists (select from pg_constraint where conrelid = 'r3a.ohlcv_gap_log'::regclass and conname = 'ohlcv_gap_log_asked') then
    return;
  end if;
  alter table r3a.ohlcv_gap_log
    drop constraint if exists ohlcv_gap_log_state_check,
    drop constraint if exists ohlcv_gap_log_reason_check,
    alter column reason drop not null;
  -- a person can have written the reason beside another state, which says that somebody asked
  update r3a.ohlcv_gap_log
  set state = case state when 'open' then 'not_requested' else state end,
      reason = case when state not in ('open', 'repaired') then 'absent' end
  where reason = 'not_requested';
  alter table r3a.ohlcv_gap_log
    add constraint ohlcv_gap_log_state_check check (state in
      ('open', 'not_requested', 'repaired', 'confirmed_absent', 'before_listing', 'after_delisting')),
    add constraint ohlcv_gap_log_reason_check check (reason in ('absent', 'failed', 'invalid')),
    -- the reason is what came of a request: there is none where nobody asked, or where the first request filled the gap
    add constraint ohlcv_gap_log_asked check
      (case state when 'not_requested' then reason is null when 'repaired' then true else reason is not null end);
end $$;

comment on column r3a.ohlcv_gap_log.state is
  'open: nothing explains yet why the candles are missing. not_requested: nobody asked for them yet. confirmed_absent: two answers, at least 1 h apart, left them out. before_listing, after_delisting: the symbol did not trade. repaired: they are stored now.';
comment on column r3a.ohlcv_gap_log.reason is
  'What came of the last request. absent: the exchange answered without the candles. failed: no usable answer. invalid: a candle came that must not be stored. Null: nobody asked before the candles were stored.';

-- For: how many spans of a series nobody asked for, after each sync and in health.
create index if not exists ohlcv_gap_log_not_requested on r3a.ohlcv_gap_log (coin_id, "interval")
  where state = 'not_requested';

-- As in 000004_gaps, by the state alone. The count itself stays right: what it left out is what changed its state.
create or replace function r3a.count_gaps() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'TRUNCATE' then
    delete from r3a.gap_count;
  elsif tg_op = 'INSERT' then
    insert into r3a.gap_count as c (coin_id, "interval", open)
    select coin_id, "interval", count(*) from added where state = 'open' group by 1, 2 order by 1, 2
    on conflict (coin_id, "interval") do update set open = c.open + excluded.open;
  elsif tg_op = 'DELETE' then
    insert into r3a.gap_count as c (coin_id, "interval", open)
    select coin_id, "interval", -count(*) from gone where state = 'open' group by 1, 2 order by 1, 2
    on conflict (coin_id, "interval") do update set open = c.open + excluded.open;
  else
    insert into r3a.gap_count as c (coin_id, "interval", open)
    select coin_id, "interval", sum(n) from (
      select coin_id, "interval", 1 as n from added where state = 'open'
      union all
      select coin_id, "interval", -1 from gone where state = 'open'
    ) changed
    group by 1, 2 having sum(n) <> 0 order by 1, 2
    on conflict (coin_id, "interval") do update set open = c.open + excluded.open;
  end if;
  return null;
end $$;

do $$ begin
  if exists (select from pg_constraint where conrelid = 'r3a.run'::regclass and conname = 'run_outcome_check'
             and pg_get_constraintdef(oid) like '%findings%') then
    return;
  end if;
  alter table r3a.run
    drop constraint if exists run_outcome_check,
    add constraint run_outcome_check check (outcome in
      ('running', 'success', 'partial', 'findings', 'failure', 'timeout', 'aborted'));
end $$;
insert into r3a.job_counter (command, outcome) values ('verify', 'findings'), ('health', 'findings') on conflict do nothing;
comment on column r3a.run.outcome is
  'How the run ended: success, partial, findings (the work is done, and what it looked at is not as it should be), failure, timeout (its own deadline) or aborted (SIGTERM); running: it has not ended.';
