import type { Sample } from "../candle/same-exchange.ts";
import type { Interval } from "../contract/intervals.ts";
import { type Database, queryRows } from "./connect.ts";
import { withTransaction } from "./session.ts";
import { msOf } from "./sql-time.ts";

/** The newest stored candles of an interval that opened before a time, of the most traded coins. */
const LIST_SAMPLES = `
  select coins.symbol, $1::text as "interval", ${msOf('t."timestamp"')} as "openTime",
         t.open::text, t.high::text, t.low::text, t.close::text, t.volume::text,
         t.source = 'legacy' as "isOld", coins."isTrading"
  from (
    select c.id, c.symbol, c.status = 'TRADING' as "isTrading" from r3a.coin c
    join r3a_util.last_ts_by_coin_interval l on l.coin_id = c.id and l."interval" = $1
    order by c.status = 'TRADING' desc, c.volume_rank nulls last, c.symbol limit $3
  ) coins
  cross join lateral (
    select * from r3a.ohlcv_partitioned t
    where t.coin_id = coins.id and t."interval" = $1 and t."timestamp" < to_timestamp($2 / 1000.0)
    order by t."timestamp" desc limit $4
  ) t`;

export async function listSamples(
  db: Database,
  interval: Interval,
  { before, coins, candles }: { readonly before: number; readonly coins: number; readonly candles: number },
): Promise<readonly Sample[]> {
  return queryRows<Sample>(db, LIST_SAMPLES, [interval, before, coins, candles]);
}

/** Why an address counts as the exchange that filled the database; the reason is null where its candles show it. */
export type ExchangeSource = {
  readonly address: string;
  readonly exchange: string;
  readonly compared: number;
  readonly equal: number;
  readonly acceptedReason: string | null;
  readonly runId: string;
};

const RECORD_SOURCE = `
  insert into r3a.exchange_source as s (address, exchange, compared_at, compared, equal, accepted_reason, run_id)
  values ($1, $2, case when $3 > 0 or $5::text is not null then now() end, $3, $4, $5, $6)
  on conflict (address) do update set exchange = excluded.exchange, compared = excluded.compared, equal = excluded.equal,
    compared_at = coalesce(excluded.compared_at, s.compared_at), run_id = excluded.run_id,
    accepted_reason = coalesce(excluded.accepted_reason, s.accepted_reason)`;

/** Each new address adds a row to this table, so old rows are removed; the rows that a person accepted stay. */
const MOST_SOURCES = 200;
const FORGET_OLDEST = `
  delete from r3a.exchange_source where accepted_reason is null and address in (
    select address from r3a.exchange_source order by first_seen desc offset ${MOST_SOURCES})`;

export async function recordSource(db: Database, source: ExchangeSource): Promise<void> {
  const { address, exchange, compared, equal, acceptedReason, runId } = source;
  await withTransaction(db, async (client) => {
    await client.query(RECORD_SOURCE, [address, exchange, compared, equal, acceptedReason, runId]);
    await client.query(FORGET_OLDEST);
  });
}

const LIST_ADDRESSES = `select address from r3a.exchange_source order by first_seen limit 10`;

/** Some of the addresses that candles came from so far, the oldest first. */
export async function listAddresses(db: Database): Promise<readonly string[]> {
  const rows = await queryRows<{ address: string }>(db, LIST_ADDRESSES);
  return rows.map(({ address }) => address);
}
