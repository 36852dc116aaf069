-- The request budget that all jobs behind one address share.

select pg_catalog.pg_advisory_xact_lock(7020390112350);
set local search_path = pg_catalog, pg_temp;

-- used: the weight granted in this minute of the exchange's clock. used_late: the part of it granted near the end of the
-- minute, which may arrive in the next one. hold_until: after 429. firewall_until: after 403, for firewall_s seconds, which
-- double each time. banned_until: after 418.
create table if not exists r3a.api_budget (
  egress_key     text primary key,
  minute         timestamptz not null default '-infinity',
  used           integer not null default 0,
  used_late      integer not null default 0,
  hold_until     timestamptz not null default '-infinity',
  firewall_until timestamptz not null default '-infinity',
  firewall_s     integer not null default 0,
  banned_until   timestamptz not null default '-infinity'
) with (fillfactor = 50);
