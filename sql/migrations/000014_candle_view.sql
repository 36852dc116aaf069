-- The candles with their symbol, for people and for other programs: nobody must look up coin_id to read a series.
-- A left join: a query that names no symbol reads r3a.ohlcv_partitioned alone, and one that names a symbol looks up one row
-- of r3a.coin and then reads the index of the leaves of its span, as a query by coin_id does (bench/candle-view.ts).

select pg_catalog.pg_advisory_xact_lock(7020390112350);
set local search_path = pg_catalog, pg_temp;

create or replace view r3a.candle as
select c.symbol, t."interval", t."timestamp" as ts, t.open, t.high, t.low, t.close, t.volume, t.close_time, t.quote_volume,
       t.trades, t.taker_base, t.taker_quote, t.source, t.flags, t.coin_id
from r3a.ohlcv_partitioned t
left join r3a.coin c on c.id = t.coin_id;

comment on view r3a.candle is
  'The candles with their symbol. Name symbol, interval and a span of ts: the query is then as fast as one of r3a.ohlcv_partitioned by coin_id.';
comment on column r3a.candle.symbol is 'The name that the exchange has for the market, such as BTCUSDT.';
comment on column r3a.candle."interval" is 'The width of the candle: 1m, 15m, 1h, 4h or 1d.';
comment on column r3a.candle.ts is 'Open time of the candle (UTC): the start of its slot.';
comment on column r3a.candle.open is 'Price of the first trade, in the quote currency; exact, as the exchange sent it.';
comment on column r3a.candle.high is 'Highest price, in the quote currency.';
comment on column r3a.candle.low is 'Lowest price, in the quote currency.';
comment on column r3a.candle.close is 'Price of the last trade, in the quote currency. Only closed candles are stored, so the value is final.';
comment on column r3a.candle.volume is 'Amount traded, in the base currency.';
comment on column r3a.candle.close_time is 'Last millisecond of the candle (UTC). Null in candles of the old layout that had no such value.';
comment on column r3a.candle.quote_volume is 'Amount traded, in the quote currency. Null as close_time.';
comment on column r3a.candle.trades is 'Number of trades. Null as close_time.';
comment on column r3a.candle.taker_base is 'The part of volume that takers bought, in the base currency. Null as close_time.';
comment on column r3a.candle.taker_quote is 'The part of quote_volume that takers bought, in the quote currency. Null as close_time.';
comment on column r3a.candle.source is 'Where the candle comes from: rest (the REST API) or legacy (the old layout).';
comment on column r3a.candle.flags is 'Bits, null for none. 1: the open time is not the start of a slot.';
comment on column r3a.candle.coin_id is 'The symbol as a number: id in r3a.coin, for joins with the other tables.';
