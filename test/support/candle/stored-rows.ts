/** Rows of one series ($1 symbol, $2 interval) in the shape of the exchange's own, oldest first. */
export const STORED = `
  select (extract(epoch from t."timestamp") * 1000)::float8 as open_ms, t.open::text, t.high::text, t.low::text,
         t.close::text, t.volume::text, (extract(epoch from t.close_time) * 1000)::float8 as close_ms,
         t.quote_volume::text, t.trades::int, t.taker_base::text, t.taker_quote::text
  from r3a.ohlcv_partitioned t join r3a.coin c on c.id = t.coin_id
  where c.symbol = $1 and t."interval" = $2 order by t."timestamp"`;
