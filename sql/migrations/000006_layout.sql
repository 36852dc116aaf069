-- Takes over what migrate-layout noted of an old database: its coins with their ids, and the span that the old layout
-- holds of each series, as covered and in the gap log until its leaves are moved. All jobs wait for the last
-- migration, so none meets a series without coverage, of which it would fetch years that are there. Elsewhere it
-- does nothing.

select pg_advisory_xact_lock(7020390112350);

do $$ begin
  if to_regclass('r3a.legacy_series') is null then return; end if;

  -- checked_at: the exchange is asked for base, quote and status before a sync works on the coin
  insert into r3a.coin (id, symbol, base, quote, status, checked_at) overriding system value
  select id, symbol, base, quote, 'UNKNOWN', '-infinity' from r3a.legacy_coin
  on conflict do nothing;
  perform setval(pg_get_serial_sequence('r3a.coin', 'id'), greatest(max(id), nextval(pg_get_serial_sequence('r3a.coin', 'id'))))
  from r3a.coin having max(id) is not null;

  with taken as (
    insert into r3a.series (coin_id, "interval", covered_from, covered_to)
    select coin_id, "interval", from_ts, to_ts from r3a.legacy_series
    on conflict do nothing
    returning *
  )
  insert into r3a.ohlcv_gap_log (id, coin_id, "interval", from_ts, to_ts, state, reason, evidence)
  select gen_random_uuid(), coin_id, "interval", covered_from, covered_to, 'open', 'not_requested',
         '{"error": "in the old layout"}'
  from taken;
end $$;
