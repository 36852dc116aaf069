-- Why a symbol's first candle is believed: {askedAt, since, exchange, refuted}, times in epoch ms.

select pg_advisory_xact_lock(7020390112350);

alter table r3a.coin add column if not exists first_evidence jsonb;

-- One answer of an exchange could write any time; a time before 2017 or after now is asked for again.
update r3a.coin set first_candle = null
where first_candle < '2017-01-01 00:00:00+00' or first_candle > now() + interval '1 day';
