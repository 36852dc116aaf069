-- Takes over the notes of migrate-layout about an old database: the coins with their ids, the span of each series in the old
-- layout (covered, and a gap of the log until its leaves are moved), and the rights on the old tables. All jobs wait for the
-- last migration: a job that met a series without coverage would fetch years of candles that are in the old layout. In any
-- other database this file does nothing. Its statements are deleted with the mover (ADR 9).

select pg_catalog.pg_advisory_xact_lock(7020390112350);
set local search_path = pg_catalog, pg_temp;

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

do $$
declare
  right_of record;
begin
  if to_regclass('r3a.legacy_note') is null then return; end if;

  -- an old coin that was not taken over still has its id in other tables of the team
  perform setval(s.name, greatest(n.value::bigint, nextval(s.name)))
  from r3a.legacy_note n, pg_get_serial_sequence('r3a.coin', 'id') as s (name)
  where n.kind = 'coin' and n.name = 'last';

  for right_of in
    with pair as (
      select old.oid, old.relacl, old.relowner, new.oid as new, new.relowner as new_owner
      from r3a.legacy_note n join pg_class old on old.oid = to_regclass(n.value) join pg_class new on new.oid = to_regclass(n.name)
      where n.kind = 'renamed' and old.relkind in ('r', 'p', 'v', 'm', 'f') and new.relkind in ('r', 'p', 'v', 'm', 'f')
    )
    select p.new, p.new_owner, g.grantee, g.privilege_type, g.is_grantable, '' as columns
    from pair p cross join lateral aclexplode(coalesce(p.relacl, acldefault('r', p.relowner))) g
    union all
    select p.new, p.new_owner, g.grantee, g.privilege_type, g.is_grantable, format(' (%I)', a.attname)
    from pair p join pg_attribute a on a.attrelid = p.oid join pg_attribute b on b.attrelid = p.new and b.attname = a.attname
    cross join lateral aclexplode(a.attacl) g
    where not a.attisdropped and not b.attisdropped
  loop
    continue when right_of.grantee = right_of.new_owner;
    execute format('grant %s%s on %s to %s%s', right_of.privilege_type, right_of.columns, right_of.new::regclass,
                   case when right_of.grantee = 0 then 'public' else right_of.grantee::regrole::text end,
                   case when right_of.is_grantable then ' with grant option' else '' end);
  end loop;
end $$;
