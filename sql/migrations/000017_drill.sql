-- What the drills proved: each restores the newest backup of one tier into a database of its own, compares it and drops it.

select pg_catalog.pg_advisory_xact_lock(7020390112350);
set local search_path = pg_catalog, pg_temp;

create table if not exists r3a.drill (
  run_id      uuid primary key,
  tier        text not null check (tier in ('hot', 'warm', 'cold')),
  begun_at    timestamptz not null,
  finished_at timestamptz not null default now(),
  manifest    text check (length(manifest) <= 130),
  snapshot_at timestamptz,
  verdict     text not null check (verdict in ('passed', 'failed', 'open')),
  rto_s       bigint check (rto_s >= 0),
  whole_s     bigint check (whole_s >= 0),
  rpo_s       bigint check (rpo_s >= 0),
  leaves      integer not null default 0 check (leaves >= 0),
  tables      integer not null default 0 check (tables >= 0),
  rows        bigint not null default 0 check (rows >= 0),
  golden      integer not null default 0 check (golden >= 0),
  damaged     text check (length(damaged) <= 300),
  faults      text[] not null default '{}' check (cardinality(faults) <= 50)
);
create index if not exists drill_tier on r3a.drill (tier, finished_at);

comment on table r3a.drill is 'The drills: what a restore of the newest backup of a tier proved.';
comment on column r3a.drill.run_id is 'The run: run_id in r3a.run.';
comment on column r3a.drill.tier is 'hot, warm or cold: where the backup lay.';
comment on column r3a.drill.begun_at is 'When the drill began (UTC).';
comment on column r3a.drill.finished_at is 'When the drill ended (UTC).';
comment on column r3a.drill.manifest is 'Key of the manifest that was restored. Null: none was found.';
comment on column r3a.drill.snapshot_at is 'The moment that the backup shows (UTC). Null: the manifest could not be read.';
comment on column r3a.drill.verdict is 'passed (all was equal), failed (something differed, or nothing could be restored), or open (nothing differed, and something could not be compared).';
comment on column r3a.drill.rto_s is 'Time from the start of the restore until the hot set could be queried, in seconds. Null: never.';
comment on column r3a.drill.whole_s is 'Time until all was restored, in seconds. Null: never.';
comment on column r3a.drill.rpo_s is 'Age of the snapshot when the drill began, in seconds: what would have been lost. Null as snapshot_at.';
comment on column r3a.drill.leaves is 'Number of leaves that were compared.';
comment on column r3a.drill.tables is 'Number of small tables that were compared.';
comment on column r3a.drill.rows is 'Number of candles that were restored.';
comment on column r3a.drill.golden is 'Number of restored candles that were compared with the exchange.';
comment on column r3a.drill.damaged is 'The object of which one byte was changed while it was read, so that the restore had to refuse it. Null: none was read.';
comment on column r3a.drill.faults is 'What differed or could not be done, a sentence each, without secrets.';
