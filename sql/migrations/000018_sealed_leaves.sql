-- Sealed leaves: which leaf is sealed, who may still write to it, what damage was found, and what the swap moved away. A leaf
-- that was never sealed has no row and no trigger, and costs a writer nothing.

select pg_catalog.pg_advisory_xact_lock(7020390112350);
set local search_path = pg_catalog, pg_temp;

-- A new number each time that a seal or a restore takes a leaf. A swap goes on only under its own number: a run that lost its
-- session, or whose row a failover lost, gives up.
create sequence if not exists r3a.leaf_token;

create table if not exists r3a.leaf_state (
  leaf         text primary key check (length(leaf) <= 63),
  state        text not null check (state in ('open', 'sealing', 'sealed', 'restoring')),
  token        bigint not null,
  run_id       uuid,
  changed_at   timestamptz not null default now(),
  sealed_at    timestamptz,
  sealed_pages bigint check (sealed_pages >= 0),
  note         text check (length(note) <= 500)
);

alter sequence r3a.leaf_token owned by r3a.leaf_state.token;

create table if not exists r3a.leaf_reopening (
  leaf        text not null check (length(leaf) <= 63),
  coin_id     integer not null,
  "interval"  text not null check ("interval" in ('1m', '15m', '1h', '4h', '1d')),
  from_ts     timestamptz not null,
  to_ts       timestamptz not null,
  reopened_at timestamptz not null default now(),
  primary key (leaf, coin_id, "interval"),
  check (from_ts < to_ts)
);

create table if not exists r3a.leaf_damage (
  id           bigint generated always as identity primary key,
  leaf         text not null check (length(leaf) <= 63),
  detector     text not null check (detector in ('content', 'slots', 'unreadable', 'checksum', 'index', 'missing', 'detached',
                                                 'truncated', 'file', 'suspects', 'by-hand')),
  detail       text not null check (length(detail) <= 500),
  found_at     timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  found_run    uuid,
  state        text not null default 'open' check (state in ('open', 'mended', 'gone')),
  closed_at    timestamptz,
  closed_run   uuid,
  check ((state = 'open') = (closed_at is null))
);
create unique index if not exists leaf_damage_open on r3a.leaf_damage (leaf, detector) where state = 'open';

create table if not exists r3a.recovery_hold (
  only_row boolean primary key default true check (only_row),
  reason   text not null check (length(reason) between 1 and 300),
  held_at  timestamptz not null default now(),
  held_by  text check (length(held_by) <= 300)
);

create table if not exists r3a.quarantine (
  table_name text primary key check (length(table_name) <= 63),
  leaf       text not null check (length(leaf) <= 63),
  why        text not null check (length(why) <= 500),
  run_id     uuid,
  moved_at   timestamptz not null default now(),
  rows       bigint check (rows >= 0),
  bytes      bigint check (bytes >= 0)
);

-- A run of seal writes the base of one leaf into the tiers. It has a number among the backups, since its snapshot has a place
-- among theirs, but it is no backup of the database.
do $$ begin
  if exists (select from pg_constraint where conrelid = 'r3a.backup'::regclass and conname = 'backup_kind_check'
             and pg_get_constraintdef(oid) like '%seal%') then return; end if;
  alter table r3a.backup drop constraint if exists backup_kind_check;
  alter table r3a.backup add constraint backup_kind_check check (kind in ('daily', 'delta', 'seal'));
end $$;

-- The trigger of a guarded leaf. Its WHEN has already asked whether the transaction reopened the leaf, so this function always
-- refuses; a statement that reopened the leaf does not even call it.
create or replace function r3a_util.refuse_sealed() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'leaf %.% is sealed: % without a reopening is refused', tg_table_schema, tg_table_name, tg_op
    using errcode = 'R3A01', schema = tg_table_schema, table = tg_table_name,
          hint = case when tg_op = 'TRUNCATE' then 'A sealed leaf is never emptied. Whoever must delete candles reopens the leaf and deletes the rows. '
                      else '' end
                 || format('Say in the same transaction, before the change, which symbol, interval and span will change: select '
                           'r3a_util.reopen_leaf(%L, array[COIN_ID], array[''1m''], array[timestamptz ''FROM''], array[timestamptz ''TO'']);',
                           tg_table_name);
end
$$;

-- For who writes to a guarded leaf, first thing in a transaction, the leaves in the order of their names: two writers then wait
-- for each other, without a deadlock. The state is locked FOR SHARE until the end of the transaction. Whoever takes the leaf, or
-- swaps it, changes that row, and so waits for the writers under way. While a leaf is restored writers go on: the swap takes
-- over the spans that r3a.leaf_reopening names.
create or replace function r3a_util.reopen_leaf(_leaf text, _coins integer[], _intervals text[], _from timestamptz[], _to timestamptz[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  known text;
  names text;
begin
  if _leaf is null or _leaf !~ '^[a-z0-9_]{1,63}$' then
    raise exception 'no leaf is called %', _leaf using errcode = '22023';
  end if;
  if cardinality(_coins) is distinct from cardinality(_intervals) or cardinality(_coins) is distinct from cardinality(_from)
     or cardinality(_coins) is distinct from cardinality(_to) then
    raise exception 'each symbol needs an interval, a begin and an end' using errcode = '22023';
  end if;
  -- another session may take the leaf between two of these statements: then once more
  for attempt in 1..100 loop
    update r3a.leaf_state set state = 'open', changed_at = now() where leaf = _leaf and state in ('sealing', 'sealed');
    select s.state into known from r3a.leaf_state s where s.leaf = _leaf for share;
    exit when known in ('open', 'restoring');
    if known is null then
      -- a trigger without a state, as in a copy of the table that a person made: the row lets later takers wait for this writer
      insert into r3a.leaf_state (leaf, state, token) values (_leaf, 'open', nextval('r3a.leaf_token')) on conflict do nothing;
    end if;
  end loop;
  if known is distinct from 'open' and known is distinct from 'restoring' then
    raise exception 'leaf r3a.% was taken again each time that it was reopened', _leaf using errcode = '55P03';
  end if;
  -- a span that is known already is not written again: each page of a backfill lies in one
  insert into r3a.leaf_reopening as r (leaf, coin_id, "interval", from_ts, to_ts)
  select _leaf, u.coin_id, u."interval", min(u.from_ts), max(u.to_ts)
  from unnest(_coins, _intervals, _from, _to) as u (coin_id, "interval", from_ts, to_ts)
  where not exists (select from r3a.leaf_reopening k
                    where k.leaf = _leaf and k.coin_id = u.coin_id and k."interval" = u."interval"
                      and k.from_ts <= u.from_ts and k.to_ts >= u.to_ts)
  group by u.coin_id, u."interval" order by u.coin_id, u."interval"
  on conflict (leaf, coin_id, "interval") do update
    set from_ts = least(r.from_ts, excluded.from_ts), to_ts = greatest(r.to_ts, excluded.to_ts), reopened_at = now();
  names := coalesce(nullif(current_setting('r3a.reopened', true), ''), ',');
  if position(',' || _leaf || ',' in names) = 0 then
    perform set_config('r3a.reopened', names || _leaf || ',', true);
  end if;
end
$$;

insert into r3a.job_counter (command, outcome)
select command, outcome
from unnest(array['seal', 'scrub']) as command,
     unnest(array['success', 'partial', 'findings', 'failure', 'timeout', 'aborted']) as outcome
on conflict do nothing;

-- As in 000016_backup_ledger, with the locks of seal, scrub and restore --damaged. `leaf-work` keeps seal and restore from one
-- leaf; its key is the name of the leaf, also of one that is gone.
create or replace view r3a_util.lock_holder as
with known as (
  select 'series' as scope, c.symbol || ':' || s."interval" as key
  from r3a.coin c cross join (values ('1m'), ('15m'), ('1h'), ('4h'), ('1d')) as s ("interval")
  union all
  select 'leaf-work', n.leaf
  from (select c.relname::text collate "default" from pg_inherits l join pg_inherits i on i.inhparent = l.inhrelid join pg_class c on c.oid = i.inhrelid
        where l.inhparent = 'r3a.ohlcv_partitioned'::regclass and c.relkind = 'r'
        union select s.leaf from r3a.leaf_state s
        union select p.leaf from r3a.backup_part p) as n (leaf)
  union all
  values ('migrate', 'schema'), ('migrate-layout', 'global'), ('universe', 'ranking'), ('universe', 'coins'),
         ('leaf', 'ohlcv_1m'), ('leaf', 'ohlcv_15m'), ('leaf', 'ohlcv_1h'), ('leaf', 'ohlcv_slow'),
         ('maint', 'global'), ('refresh-lastts', 'global'), ('vacuum', 'global'),
         ('backup-daily', 'global'), ('backup-delta', 'global'), ('backup-snapshot', 'global'), ('backup-manifest', 'global'),
         ('restore', 'global'), ('restore', 'damaged'), ('drill', 'global'), ('seal', 'global'), ('scrub', 'global')
)
select k.scope, k.key, l.pid, l.granted, a.application_name, a.client_addr, a.state, a.backend_start, a.query
from pg_locks l
join known k on r3a_util.lock_key(k.scope, k.key) = (l.classid::bigint << 32) | l.objid::bigint
left join pg_stat_activity a on a.pid = l.pid
where l.locktype = 'advisory' and l.objsubid = 1
  and l.database = (select oid from pg_database where datname = current_database());

comment on column r3a.backup.kind is
  'daily (each part judged by its content), delta (the rows that changed), or seal (one leaf as a whole; no backup of the database).';

comment on table r3a.leaf_state is 'The leaves that seal or restore --damaged took. A leaf without a row is open and was never sealed.';
comment on column r3a.leaf_state.leaf is 'The leaf, without schema.';
comment on column r3a.leaf_state.state is 'sealed; open (reopened after a seal, or the seal was given up); sealing and restoring (a run is at work, or was killed).';
comment on column r3a.leaf_state.token is 'Number of the last taking. A run whose number is another one changes nothing any more.';
comment on column r3a.leaf_state.run_id is 'The run that took the leaf last: run_id in r3a.run. Null: none did.';
comment on column r3a.leaf_state.changed_at is 'When the state last changed (UTC).';
comment on column r3a.leaf_state.sealed_at is 'When the leaf was last sealed (UTC). Null: never.';
comment on column r3a.leaf_state.sealed_pages is 'Size of the table when it was last rewritten in the order of its key, in pages. Null: never.';
comment on column r3a.leaf_state.note is 'Why the leaf is not sealed, or what is to be known of it. Null: nothing.';

comment on table r3a.leaf_reopening is 'Which candles of a guarded leaf were written since the leaf was last taken. A seal or restore that takes the leaf deletes its rows.';
comment on column r3a.leaf_reopening.leaf is 'The leaf, without schema.';
comment on column r3a.leaf_reopening.coin_id is 'The symbol: id in r3a.coin.';
comment on column r3a.leaf_reopening."interval" is 'The width of the candles: 1m, 15m, 1h, 4h or 1d.';
comment on column r3a.leaf_reopening.from_ts is 'Begin of the span that may have changed (UTC).';
comment on column r3a.leaf_reopening.to_ts is 'End of that span, not included (UTC). The span only widens.';
comment on column r3a.leaf_reopening.reopened_at is 'When the span was last widened (UTC).';

comment on table r3a.leaf_damage is 'Damage in the leaves, one open row for each leaf and detector.';
comment on column r3a.leaf_damage.id is 'Number of the finding, in the order of discovery.';
comment on column r3a.leaf_damage.leaf is 'The leaf, without schema.';
comment on column r3a.leaf_damage.detector is
  'content, slots (rows or slots differ from the backup), unreadable, checksum, index, missing, detached, truncated, file, suspects, or by-hand.';
comment on column r3a.leaf_damage.detail is 'What was found, without secrets.';
comment on column r3a.leaf_damage.found_at is 'When it was first found (UTC).';
comment on column r3a.leaf_damage.last_seen_at is 'When it was last found (UTC).';
comment on column r3a.leaf_damage.found_run is 'The run that found it: run_id in r3a.run. Null: it was entered by hand.';
comment on column r3a.leaf_damage.state is 'open; mended by restore --damaged; gone (a later look did not find it any more).';
comment on column r3a.leaf_damage.closed_at is 'When it was mended or gone (UTC). Null: it is open.';
comment on column r3a.leaf_damage.closed_run is 'The run that mended it, or saw that it is gone: run_id in r3a.run. Null as closed_at.';

comment on table r3a.recovery_hold is 'The kill switch of the recovery: while it has its only row, no leaf is swapped.';
comment on column r3a.recovery_hold.only_row is 'Always true: the key that allows one row.';
comment on column r3a.recovery_hold.reason is 'Why, as the person said.';
comment on column r3a.recovery_hold.held_at is 'Since when (UTC).';
comment on column r3a.recovery_hold.held_by is 'Who held it, as far as it is known: user and machine. Null: not known.';

comment on table r3a.quarantine is 'The tables of leaves that a swap moved to the schema quarantine. maint drops each after 14 days.';
comment on column r3a.quarantine.table_name is 'Name of the table in the schema quarantine.';
comment on column r3a.quarantine.leaf is 'The leaf that it was, without schema.';
comment on column r3a.quarantine.why is 'Why it was swapped.';
comment on column r3a.quarantine.run_id is 'The run: run_id in r3a.run.';
comment on column r3a.quarantine.moved_at is 'When it was moved (UTC).';
comment on column r3a.quarantine.rows is 'Number of its rows, as far as it is known. Null: it is not.';
comment on column r3a.quarantine.bytes is 'Size of the table with its indexes. Null: it could not be measured.';

comment on function r3a_util.refuse_sealed() is 'Trigger of guarded leaves: refuses who writes without a reopening, with SQLSTATE R3A01.';
comment on function r3a_util.reopen_leaf(text, integer[], text[], timestamptz[], timestamptz[]) is
  'Lets the transaction write to a guarded leaf: one symbol, interval and span for each element. Call it before the first change.';
