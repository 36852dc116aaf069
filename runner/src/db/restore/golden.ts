import { INTERVALS } from "../../contract/intervals.ts";
import type { GoldenCandle } from "../../restore/drill/golden-plan.ts";
import { BESIDE_KEY } from "../candles.ts";
import type { OwnClient } from "../session.ts";
import { msOf } from "../sql-time.ts";

/** So many candles of each of so many symbols, at both ends of each interval: 25 series, 50 requests of weight 2 at most. */
const SYMBOLS = 5;
const AT_EACH_END = 10;

const end = (direction: "asc" | "desc") => `
  (select coin_id, "interval", "timestamp", ${BESIDE_KEY.join(", ")} from r3a.ohlcv_partitioned t
   where t.coin_id = c.id and t."interval" = i."interval" and t."timestamp" < to_timestamp($1 / 1000.0)
   order by t."timestamp" ${direction} limit ${AT_EACH_END})`;

/** $1: only candles that opened before (ms); $2: intervals. The largest symbols that are traded come first. */
const LIST_GOLDEN = `
  select c.symbol, i."interval", ${msOf('t."timestamp"')} as "openTime", t.source is not distinct from 'legacy' as "isOld",
         t.open::text, t.high::text, t.low::text, t.close::text, t.volume::text, t.quote_volume::text as "quoteVolume",
         t.trades::float8 as trades, t.taker_base::text as "takerBase", t.taker_quote::text as "takerQuote",
         ${msOf("t.close_time")} as "closeTime"
  from (select id, symbol from r3a.coin where status = 'TRADING'
        order by volume_rank nulls last, quote_volume desc nulls last, symbol limit ${SYMBOLS}) c
  cross join unnest($2::text[]) as i ("interval")
  cross join lateral (${end("asc")} union ${end("desc")}) t
  order by c.symbol, i."interval", t."timestamp"`;

/** The oldest and the newest restored candles of the largest symbols, of each interval, that opened before a moment (ms). */
export async function listGolden(client: OwnClient, before: number): Promise<readonly GoldenCandle[]> {
  return client.query<GoldenCandle>(LIST_GOLDEN, [before, INTERVALS]);
}
