-- The ledger of backups: the runs, the objects in the tiers, what a restore gives back for each part of the candle table, and
-- what is suspect. A part is the candles of one symbol and interval in one leaf. All hashes of rows are sums of 64-bit hashes
-- modulo 2^64, so that rows can be added in any order; `form` is the version of the text that is hashed.

select pg_catalog.pg_advisory_xact_lock(7020390112350);
set local search_path = pg_catalog, pg_temp;

-- The ids are in the order of the snapshots: the row is written and the snapshot taken under one lock (backup-snapshot), so a
-- base of backup 8 holds all that the deltas up to 7 hold.
create table if not exists r3a.backup (
  id                bigint generated always as identity primary key,
  run_id            uuid not null,
  kind              text not null check (kind in ('daily', 'delta')),
  begun_at          timestamptz not null default now(),
  snapshot_at       timestamptz,
  finished_at       timestamptz,
  snapshot_xmin     bigint,
  next_xid          bigint,
  system_identifier text,
  timeline          integer,
  server_version    integer,
  is_whole          boolean,
  outcome           text not null default 'running' check (outcome in ('running', 'stored', 'complete', 'failed')),
  tiers             text[] not null default '{}',
  manifests         jsonb not null default '{}',
  rows              bigint not null default 0 check (rows >= 0),
  bytes             bigint not null default 0 check (bytes >= 0),
  error             text check (length(error) <= 2000)
);
create index if not exists backup_kind on r3a.backup (kind, id);

create table if not exists r3a.backup_object (
  key          text primary key check (length(key) <= 300),
  backup_id    bigint not null,
  attempt      text not null check (length(attempt) <= 64),
  rows         bigint not null check (rows >= 0),
  bytes        bigint not null check (bytes >= 0),
  sha256       text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  plain_bytes  bigint not null check (plain_bytes >= 0),
  plain_sha256 text not null check (plain_sha256 ~ '^[0-9a-f]{64}$')
);
create index if not exists backup_object_plain on r3a.backup_object (plain_sha256);

-- Apart from the objects: where a table has the rows of an earlier day again, or two tables are empty, the text is the same and
-- no second object is written, but the order of the backups counts. Bases are named by r3a.backup_part.
create table if not exists r3a.backup_use (
  backup_id  bigint not null,
  key        text not null references r3a.backup_object on delete cascade,
  kind       text not null check (kind in ('delta', 'table', 'schema', 'beside')),
  leaf       text,
  table_name text,
  mode       text check (mode in ('whole', 'rows', 'series')),
  columns    text[] not null default '{}',
  first_ts   timestamptz,
  last_ts    timestamptz,
  check ((leaf is not null) = (kind in ('delta', 'beside'))),
  check ((table_name is not null) = (kind = 'table') and (mode is not null) = (kind = 'table')),
  check ((first_ts is null) = (last_ts is null)),
  unique nulls not distinct (backup_id, key, leaf, table_name)
);
create index if not exists backup_use_leaf on r3a.backup_use (leaf, backup_id) where leaf is not null;
create index if not exists backup_use_table on r3a.backup_use (table_name, backup_id) where table_name is not null;

create table if not exists r3a.backup_copy (
  key         text not null references r3a.backup_object on delete cascade,
  tier        text not null check (tier in ('hot', 'warm', 'cold')),
  verified_at timestamptz not null,
  primary key (key, tier)
);

-- base_backup says which deltas complete the base: those of later backups, and of earlier ones none.
create table if not exists r3a.backup_part (
  leaf           text not null,
  coin_id        integer not null,
  "interval"     text not null check ("interval" in ('1m', '15m', '1h', '4h', '1d')),
  rows           bigint not null check (rows >= 0),
  hash           numeric(20) not null check (hash >= 0 and hash < 18446744073709551616),
  null_rows      bigint not null check (null_rows between 0 and rows),
  null_hash      numeric(20) not null check (null_hash >= 0 and null_hash < 18446744073709551616),
  slots          bytea not null check (length(slots) <= 8192),
  first_ts       timestamptz,
  last_ts        timestamptz,
  as_of          bigint not null,
  base_key       text,
  base_hash      numeric(20) check (base_hash >= 0 and base_hash < 18446744073709551616),
  base_backup    bigint,
  hash_form      smallint not null,
  server_version integer not null,
  primary key (leaf, coin_id, "interval"),
  check ((first_ts is null) = (rows = 0) and (last_ts is null) = (rows = 0)),
  check ((base_key is null) = (base_hash is null) and (base_key is null) = (base_backup is null))
);
create index if not exists backup_part_base on r3a.backup_part (base_key);

-- The last backup that looked at a leaf: the next one looks at rows from its snapshot_xmin on, and not from that of a later
-- backup that passed the leaf over, since the server counts a transaction up to 10 s after it ended. The counters were read
-- before its snapshot: where they are the same again, nothing was written. counted_as is the file of the table and the times
-- at which the server began to count.
create table if not exists r3a.backup_leaf (
  leaf       text primary key,
  changes    bigint not null,
  counted_as text not null,
  backup_id  bigint not null
);

create table if not exists r3a.backup_suspect (
  id           bigint generated always as identity primary key,
  leaf         text not null,
  coin_id      integer not null,
  "interval"   text not null,
  at           timestamptz,
  kind         text not null check (kind in ('changed', 'vanished', 'content')),
  hash         numeric(20),
  found_by     bigint not null,
  found_at     timestamptz not null default now(),
  state        text not null default 'open' check (state in ('open', 'accepted', 'gone')),
  reason       text check (length(reason) <= 300),
  accepted_run uuid,
  closed_at    timestamptz,
  check ((state = 'open') = (closed_at is null)),
  check ((state = 'accepted') = (reason is not null))
);
create unique index if not exists backup_suspect_open on r3a.backup_suspect (leaf, coin_id, "interval", at) nulls not distinct
  where state = 'open';

-- Rows with an xmin that is not below the xmin of the snapshot: the next backup meets them once more, though nothing changed.
-- A backup replaces the rows of the leaves that it looked at.
create table if not exists r3a.backup_doubt (
  leaf        text not null,
  coin_id     integer not null,
  "interval"  text not null,
  "timestamp" timestamptz not null,
  hash        numeric(20) not null,
  backup_id   bigint not null,
  primary key (leaf, coin_id, "interval", "timestamp")
);

-- The gap log is exported by series, so that a gap that was deleted is gone after a restore too.
create table if not exists r3a.backup_gap_series (
  coin_id    integer not null,
  "interval" text not null,
  rows       bigint not null check (rows >= 0),
  hash       numeric(20) not null,
  backup_id  bigint not null,
  primary key (coin_id, "interval")
);

insert into r3a.job_counter (command, outcome)
select command, outcome
from unnest(array['backup', 'restore', 'drill']) as command,
     unnest(array['success', 'partial', 'findings', 'failure', 'timeout', 'aborted']) as outcome
on conflict do nothing;

-- As in 000007_lock_holders, with the locks of backup, restore and drill.
create or replace view r3a_util.lock_holder as
with known as (
  select 'series' as scope, c.symbol || ':' || s."interval" as key
  from r3a.coin c cross join (values ('1m'), ('15m'), ('1h'), ('4h'), ('1d')) as s ("interval")
  union all
  values ('migrate', 'schema'), ('migrate-layout', 'global'), ('universe', 'ranking'), ('universe', 'coins'),
         ('leaf', 'ohlcv_1m'), ('leaf', 'ohlcv_15m'), ('leaf', 'ohlcv_1h'), ('leaf', 'ohlcv_slow'),
         ('maint', 'global'), ('refresh-lastts', 'global'), ('vacuum', 'global'),
         ('backup-daily', 'global'), ('backup-delta', 'global'), ('backup-snapshot', 'global'), ('backup-manifest', 'global'),
         ('restore', 'global'), ('drill', 'global')
)
select k.scope, k.key, l.pid, l.granted, a.application_name, a.client_addr, a.state, a.backend_start, a.query
from pg_locks l
join known k on r3a_util.lock_key(k.scope, k.key) = (l.classid::bigint << 32) | l.objid::bigint
left join pg_stat_activity a on a.pid = l.pid
where l.locktype = 'advisory' and l.objsubid = 1
  and l.database = (select oid from pg_database where datname = current_database());

comment on table r3a.backup is 'The backups: one row for each run that took a snapshot.';
comment on column r3a.backup.id is 'Number of the backup, in the order of the snapshots.';
comment on column r3a.backup.run_id is 'The run: run_id in r3a.run.';
comment on column r3a.backup.kind is 'daily (each part judged by its content) or delta (the rows that changed).';
comment on column r3a.backup.begun_at is 'When the run began (UTC).';
comment on column r3a.backup.snapshot_at is 'The moment that the backup shows (UTC). Null: the run died before its snapshot.';
comment on column r3a.backup.finished_at is 'When the run ended (UTC). Null: it runs, or its process is gone.';
comment on column r3a.backup.snapshot_xmin is 'Every transaction with a smaller number had ended at the snapshot; the next backup looks at rows from this number on.';
comment on column r3a.backup.next_xid is 'The next number of a transaction at the snapshot. A server with a smaller one is not the same server.';
comment on column r3a.backup.system_identifier is 'Number that initdb gave the server.';
comment on column r3a.backup.timeline is 'Timeline of the server; a promoted standby has a new one.';
comment on column r3a.backup.server_version is 'Version of the server, such as 180004.';
comment on column r3a.backup.is_whole is 'True: the run judged every leaf by its content, without the numbers of transactions.';
comment on column r3a.backup.outcome is 'running; stored (the objects and this ledger are written, the manifest is not yet); complete; failed.';
comment on column r3a.backup.tiers is 'Tiers that hold the manifest.';
comment on column r3a.backup.manifests is 'Key of the manifest, by tier.';
comment on column r3a.backup.rows is 'Number of rows in the objects that the run made.';
comment on column r3a.backup.bytes is 'Size of the objects that the run made, as stored.';
comment on column r3a.backup.error is 'Why the run failed, without secrets. Null: it did not.';

comment on table r3a.backup_object is 'The objects that backups wrote: sealed text, never changed.';
comment on column r3a.backup_object.key is 'Name of the object in a tier.';
comment on column r3a.backup_object.backup_id is 'The backup that made the object: id in r3a.backup.';
comment on column r3a.backup_object.attempt is 'Random id of the sealing: the same text sealed twice is two objects.';
comment on column r3a.backup_object.rows is 'Number of rows.';
comment on column r3a.backup_object.bytes is 'Size as stored.';
comment on column r3a.backup_object.sha256 is 'SHA-256 of the bytes as stored.';
comment on column r3a.backup_object.plain_bytes is 'Size of the text before it was compressed and encrypted.';
comment on column r3a.backup_object.plain_sha256 is 'SHA-256 of that text.';

comment on table r3a.backup_use is 'What each backup uses objects as, besides the bases of parts.';
comment on column r3a.backup_use.backup_id is 'The backup: id in r3a.backup.';
comment on column r3a.backup_use.key is 'The object: key in r3a.backup_object.';
comment on column r3a.backup_use.kind is 'delta (changed rows of a leaf), table, schema (SQL), or beside (suspect rows as they are now).';
comment on column r3a.backup_use.leaf is 'The leaf whose rows it holds, without schema. Null for table and schema.';
comment on column r3a.backup_use.table_name is 'The table whose rows it holds, with schema. Null but for table.';
comment on column r3a.backup_use.mode is 'Of a table: whole, rows (those that changed) or series (all rows of the series that changed). Else null.';
comment on column r3a.backup_use.columns is 'The columns in their order. Empty for schema.';
comment on column r3a.backup_use.first_ts is 'Open time of the first candle (UTC). Null: it holds no candles.';
comment on column r3a.backup_use.last_ts is 'Open time of the last candle (UTC). Null as first_ts.';

comment on table r3a.backup_copy is 'Which tier holds which object.';
comment on column r3a.backup_copy.key is 'The object: key in r3a.backup_object.';
comment on column r3a.backup_copy.tier is 'hot, warm or cold.';
comment on column r3a.backup_copy.verified_at is 'When the bytes were last read from the tier and were right (UTC).';

comment on table r3a.backup_part is 'What a restore gives back for each part: one row for a symbol and an interval in a leaf.';
comment on column r3a.backup_part.leaf is 'The leaf, without schema.';
comment on column r3a.backup_part.coin_id is 'The symbol: id in r3a.coin.';
comment on column r3a.backup_part."interval" is 'The width of the candles: 1m, 15m, 1h, 4h or 1d.';
comment on column r3a.backup_part.rows is 'Number of candles.';
comment on column r3a.backup_part.hash is 'Sum of the hashes of their rows.';
comment on column r3a.backup_part.null_rows is 'Number of candles that lack a value which the old layout did not have.';
comment on column r3a.backup_part.null_hash is 'Sum of the hashes of the values that those candles do have.';
comment on column r3a.backup_part.slots is 'Which slots have a candle: bit i, the lowest of a byte first, is slot i of the span of the leaf. Zero bytes at the end are cut.';
comment on column r3a.backup_part.first_ts is 'Open time of the first candle (UTC). Null: there is none.';
comment on column r3a.backup_part.last_ts is 'Open time of the last candle (UTC). Null as first_ts.';
comment on column r3a.backup_part.as_of is 'The last backup that changed these values: id in r3a.backup.';
comment on column r3a.backup_part.base_key is 'The object that holds the part as a whole: key in r3a.backup_object. Null: all rows are in deltas.';
comment on column r3a.backup_part.base_hash is 'Sum of the hashes of the rows in that object. Where it is hash, no delta is needed.';
comment on column r3a.backup_part.base_backup is 'The backup whose snapshot the object shows; the deltas of later backups come on top.';
comment on column r3a.backup_part.hash_form is 'Version of the text that is hashed.';
comment on column r3a.backup_part.server_version is 'Version of the server that computed the hashes, such as 180004.';

comment on table r3a.backup_leaf is 'How much was written to each leaf by the counters of the server, when a backup last looked.';
comment on column r3a.backup_leaf.leaf is 'The leaf, without schema.';
comment on column r3a.backup_leaf.changes is 'Number of rows inserted, updated and deleted.';
comment on column r3a.backup_leaf.counted_as is 'The file of the table, and since when the server counts. Another text: the counters say nothing.';
comment on column r3a.backup_leaf.backup_id is 'The last backup that looked at the leaf: id in r3a.backup.';

comment on table r3a.backup_suspect is 'Stored candles that changed or vanished though nothing explains it. The version before stays the one that restores.';
comment on column r3a.backup_suspect.id is 'Number of the suspect, in the order of their discovery.';
comment on column r3a.backup_suspect.leaf is 'The leaf, without schema.';
comment on column r3a.backup_suspect.coin_id is 'The symbol: id in r3a.coin.';
comment on column r3a.backup_suspect."interval" is 'The width of the candle: 1m, 15m, 1h, 4h or 1d.';
comment on column r3a.backup_suspect.at is 'Open time of the candle (UTC). Null: some candle of the part, and it is not known which.';
comment on column r3a.backup_suspect.kind is 'changed, vanished, or content (the hash of the part differs, and no changed row explains it).';
comment on column r3a.backup_suspect.hash is 'Hash of the row as it was found, or of the whole part. Null: it vanished.';
comment on column r3a.backup_suspect.found_by is 'The backup that found it: id in r3a.backup.';
comment on column r3a.backup_suspect.found_at is 'When it was found (UTC).';
comment on column r3a.backup_suspect.state is 'open; accepted by a person; gone (the candle is as it was).';
comment on column r3a.backup_suspect.reason is 'The sentence of --accept. Null: nobody accepted it.';
comment on column r3a.backup_suspect.accepted_run is 'The run that accepted it: run_id in r3a.run. Null as reason.';
comment on column r3a.backup_suspect.closed_at is 'When it was accepted or seen to be gone (UTC). Null: it is open.';

comment on table r3a.backup_doubt is 'Candles that the next backup will meet once more although nothing changed.';
comment on column r3a.backup_doubt.leaf is 'The leaf, without schema.';
comment on column r3a.backup_doubt.coin_id is 'The symbol: id in r3a.coin.';
comment on column r3a.backup_doubt."interval" is 'The width of the candle: 1m, 15m, 1h, 4h or 1d.';
comment on column r3a.backup_doubt."timestamp" is 'Open time of the candle (UTC).';
comment on column r3a.backup_doubt.hash is 'Hash of its row.';
comment on column r3a.backup_doubt.backup_id is 'The backup that met it: id in r3a.backup; the last one that looked at the leaf.';

comment on table r3a.backup_gap_series is 'The gaps of each series as they were last exported.';
comment on column r3a.backup_gap_series.coin_id is 'The symbol: id in r3a.coin.';
comment on column r3a.backup_gap_series."interval" is 'The width of the candles: 1m, 15m, 1h, 4h or 1d.';
comment on column r3a.backup_gap_series.rows is 'Number of gaps. 0: the series has none any more.';
comment on column r3a.backup_gap_series.hash is 'Sum of the hashes of their rows.';
comment on column r3a.backup_gap_series.backup_id is 'The backup that holds them: id in r3a.backup. Gaps of this series in other backups are out of date.';
