-- Where candles come from, coins, series with their covered span, candles by interval and time, revisions, last timestamps.

select pg_catalog.pg_advisory_xact_lock(7020390112350);
set local search_path = pg_catalog, pg_temp;

-- Which exchange filled this database; candles of another exchange are refused.
create table if not exists r3a.origin (
  only_row boolean primary key default true check (only_row),
  exchange text not null check (exchange in ('binance', 'simulated'))
);

-- The addresses (host and path) that candles came from, and the result of comparing each with the stored candles.
create table if not exists r3a.exchange_source (
  address         text primary key check (length(address) <= 500),
  exchange        text not null,
  first_seen      timestamptz not null default now(),
  compared_at     timestamptz,
  compared        integer not null default 0 check (compared >= 0),
  equal           integer not null default 0 check (equal between 0 and compared),
  accepted_reason text check (length(accepted_reason) <= 300),
  run_id          uuid
);

create table if not exists r3a.coin (
  id             integer generated always as identity primary key,
  symbol         text not null unique,
  base           text not null,
  quote          text not null,
  status         text not null,
  first_candle   timestamptz,
  closed_at      timestamptz,
  aliases        text[] not null default '{}',
  quote_volume   numeric,
  volume_rank    integer,
  ranked_at      timestamptz,
  checked_at     timestamptz not null default now(),
  -- why the first candle is believed: {askedAt, since, exchange, refuted}, times in epoch ms
  first_evidence jsonb
);

-- Members of "the N largest", with hysteresis: entered at rank N, left after a day beyond 1.5 N.
create table if not exists r3a.universe_member (
  size         integer not null check (size > 0),
  coin_id      integer not null references r3a.coin,
  entered_at   timestamptz not null,
  beyond_since timestamptz,
  primary key (size, coin_id)
);

-- At every commit, each slot of [covered_from, covered_to) is stored or lies in a gap of the log.
create table if not exists r3a.series (
  coin_id      integer not null references r3a.coin,
  "interval"   text not null check ("interval" in ('1m', '15m', '1h', '4h', '1d')),
  covered_from timestamptz,
  covered_to   timestamptz,
  primary key (coin_id, "interval"),
  check ((covered_from is null) = (covered_to is null) and covered_from < covered_to)
);

-- numeric without limits keeps values exactly as sent; a coin at a price of 1e-5 trades 1e13 a day. Only open, high, low,
-- close and volume are mandatory: databases of the old system have no more. flags: bit 1 = open time not on a slot boundary.
create table if not exists r3a.ohlcv_partitioned (
  coin_id      integer not null,
  "interval"   text not null,
  "timestamp"  timestamptz not null,
  open         numeric not null,
  high         numeric not null,
  low          numeric not null,
  close        numeric not null,
  volume       numeric not null,
  quote_volume numeric,
  trades       bigint,
  taker_base   numeric,
  taker_quote  numeric,
  close_time   timestamptz,
  source       text,
  flags        smallint,
  primary key (coin_id, "interval", "timestamp")
) partition by list ("interval");

create index if not exists ohlcv_partitioned_brin_ts on r3a.ohlcv_partitioned
  using brin ("timestamp") with (pages_per_range = 32, autosummarize = on);

create table if not exists r3a.ohlcv_1m partition of r3a.ohlcv_partitioned
  for values in ('1m') partition by range ("timestamp");
create table if not exists r3a.ohlcv_15m partition of r3a.ohlcv_partitioned
  for values in ('15m') partition by range ("timestamp");
create table if not exists r3a.ohlcv_1h partition of r3a.ohlcv_partitioned
  for values in ('1h') partition by range ("timestamp");
create table if not exists r3a.ohlcv_slow partition of r3a.ohlcv_partitioned
  for values in ('4h', '1d') partition by range ("timestamp");

-- A closed candle whose values changed: the old and new values, and the source of each.
create table if not exists r3a.candle_revision (
  id          bigint generated always as identity primary key,
  coin_id     integer not null,
  "interval"  text not null,
  "timestamp" timestamptz not null,
  old_values  jsonb not null,
  new_values  jsonb not null,
  old_source  text,
  new_source  text,
  run_id      uuid,
  seen_at     timestamptz not null default now()
);
create index if not exists candle_revision_series on r3a.candle_revision (coin_id, "interval", "timestamp");

create table if not exists r3a_util.last_ts_by_coin_interval (
  coin_id    integer not null,
  "interval" text not null,
  last_ts    timestamptz not null,
  primary key (coin_id, "interval")
) with (fillfactor = 70);
