-- The addresses (host and path) that candles came from, and how each was compared with what was stored.

select pg_advisory_xact_lock(7020390112350);

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
