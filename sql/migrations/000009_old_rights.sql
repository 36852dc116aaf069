-- What migrate-layout noted of an old database, continued: new coins get ids that no old coin had, and who could use an
-- old table may use the new one of its name. Elsewhere it does nothing.

select pg_advisory_xact_lock(7020390112350);

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
