import type { Interval } from "../../contract/intervals.ts";
import type { Tier } from "../../contract/tiers.ts";
import { type Database, withClient } from "../connect.ts";
import type { OwnClient } from "../session.ts";
import { msOf } from "../sql-time.ts";
import { ADD_COPIES } from "./write-ledger-sql.ts";

export type CoinRow = { readonly id: number; readonly symbol: string };

const LIST_COINS = `select id, symbol from r3a.coin order by id`;

/** The symbol of every coin that ever had an id. */
export async function listCoinIds(client: OwnClient): Promise<readonly CoinRow[]> {
  return client.query<CoinRow>(LIST_COINS);
}

/** How far a series reaches; times in ms. */
export type WatermarkRow = {
  readonly coinId: number;
  readonly interval: Interval;
  readonly coveredFrom: number;
  readonly coveredTo: number;
  readonly lastTs: number;
};

const LIST_WATERMARKS = `
  select s.coin_id as "coinId", s."interval", ${msOf("s.covered_from")} as "coveredFrom",
         ${msOf("s.covered_to")} as "coveredTo", ${msOf("l.last_ts")} as "lastTs"
  from r3a.series s join r3a_util.last_ts_by_coin_interval l using (coin_id, "interval")
  where s.covered_from is not null order by s.coin_id, s."interval"`;

/** Of each series that has candles. */
export async function listWatermarks(client: OwnClient): Promise<readonly WatermarkRow[]> {
  return client.query<WatermarkRow>(LIST_WATERMARKS);
}

const LIST_MIGRATIONS = `select name from r3a.migration order by id`;

/** The migrations that this database has, in their order. */
export async function listMigrations(client: OwnClient): Promise<readonly string[]> {
  return (await client.query<{ name: string }>(LIST_MIGRATIONS)).map(({ name }) => name);
}

/** Notes that a tier got a copy of an object that another tier had. */
export async function noteCopies(
  db: Database,
  copies: readonly { readonly key: string; readonly tier: Tier; readonly verifiedAt: number }[],
): Promise<void> {
  if (copies.length > 0) await withClient(db, (client) => client.query(ADD_COPIES, [JSON.stringify(copies)]));
}

const FIND_COIN = `select id from r3a.coin where symbol = $1`;

/** The id of the coin with this symbol; null: none has it. */
export async function findCoinId(db: Database, symbol: string): Promise<number | null> {
  const { rows } = await withClient(db, (client) => client.query<{ id: number }>(FIND_COIN, [symbol]));
  return rows[0]?.id ?? null;
}
