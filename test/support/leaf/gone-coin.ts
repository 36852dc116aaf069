import { expect } from "vitest";
import { addMinutes } from "../backup/parts.ts";
import type { UsedDatabase } from "../database/database.ts";
import { withSession } from "../database/empty-database.ts";

/** Candles of 1m that the coin has. */
export const GONE_CANDLES = 30;

const ADD_COIN = `
  insert into r3a.coin (symbol, base, quote, status, closed_at) values ('LOSTUSDT', 'LOST', 'USDT', 'BREAK', now())
  on conflict (symbol) do update set status = excluded.status returning id`;
const ADD_SERIES = `
  insert into r3a.series (coin_id, "interval", covered_from, covered_to)
  values ($1, '1m', $2::timestamptz, $2::timestamptz + $3 * interval '1 min') on conflict do nothing`;
const LIST = `
  select t::text as row from r3a.ohlcv_partitioned t join r3a.coin c on c.id = t.coin_id where c.symbol = 'LOSTUSDT' order by 1`;

/** A coin that the exchange does not know any more: what no backup has of it lies in the live table alone. */
export function useGoneCoin(database: Pick<UsedDatabase, "url" | "query">) {
  let kept: readonly { row: string }[] = [];
  const list = () => database.query<{ row: string }>(LIST);
  return {
    /** As a job writes that reopens the leaf. */
    async add(leaf: string, from: string) {
      const [coin] = await database.query<{ id: number }>(ADD_COIN);
      await database.query(ADD_SERIES, [coin?.id, from, GONE_CANDLES]);
      await withSession(database.url, async (client) => {
        await client.query("begin");
        await client.query(
          `select r3a_util.reopen_leaf($1, array[$2::int], array['1m'], array[$3::timestamptz], array[$3::timestamptz + interval '1 h'])
           where exists (select from r3a.leaf_state where leaf = $1)`,
          [leaf, coin?.id, from],
        );
        await client.query(addMinutes, [coin?.id, from, GONE_CANDLES]);
        await client.query("commit");
      });
      kept = await list();
      expect(kept).toHaveLength(GONE_CANDLES);
    },
    /** Every candle is there as it was added. */
    async expectKept() {
      expect(await list()).toEqual(kept);
    },
  };
}
