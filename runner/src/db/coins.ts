import type pg from "pg";
import type { Interval } from "../contract/intervals.ts";
import { type Database, queryRows } from "./connect.ts";
import { withTransaction } from "./session.ts";

/** A coin as listed by the exchange; `rank` 1 is the largest by quote volume, null where it is not ranked. */
export type CoinUpdate = {
  readonly symbol: string;
  readonly base: string;
  readonly quote: string;
  readonly status: string;
  readonly quoteVolume: string | null;
  readonly rank: number | null;
};

export type Coin = { readonly coinId: number; readonly symbol: string };

/**
 * Rows are locked in one order. The lists come in any order, and two transactions that lock the same rows in different
 * orders would deadlock.
 */
const LOCK_COINS = `select pg_advisory_xact_lock(r3a_util.lock_key('universe', 'coins'))`;

const UPSERT_COINS = `
  insert into r3a.coin as c (symbol, base, quote, status, quote_volume, volume_rank, ranked_at, checked_at)
  select symbol, base, quote, status, "quoteVolume"::numeric, rank, case when rank is not null then now() end, now()
  from jsonb_to_recordset($1) as u (symbol text, base text, quote text, status text, "quoteVolume" text, rank int)
  on conflict (symbol) do update set base = excluded.base, quote = excluded.quote, status = excluded.status,
    closed_at = case when excluded.status = 'TRADING' then null else coalesce(c.closed_at, now()) end,
    quote_volume = coalesce(excluded.quote_volume, c.quote_volume), checked_at = now(),
    volume_rank = case when $2 then excluded.volume_rank else c.volume_rank end,
    ranked_at = case when $2 then excluded.ranked_at else c.ranked_at end`;

const UNRANK_MISSING = `update r3a.coin set volume_rank = null where volume_rank is not null and not symbol = any($1::text[])`;

/** Coins that the exchange lists no more; a coin whose trade is halted has a status of its own. */
const CLOSE = `
  update r3a.coin set status = 'BREAK', closed_at = coalesce(closed_at, now()), volume_rank = null, checked_at = now()
  where symbol = any($1::text[])`;

const FIND_COINS = `
  select id as "coinId", symbol, checked_at between now() - $2::interval and now() as "isFresh"
  from r3a.coin where symbol = any($1::text[]) order by array_position($1::text[], symbol)`;

/** Adds and updates coins. With `isRanking` the list holds everything that trades, and the ranks are replaced. */
export async function upsertCoins(
  client: pg.PoolClient,
  coins: readonly CoinUpdate[],
  isRanking: boolean,
): Promise<void> {
  await client.query(LOCK_COINS);
  await client.query(UPSERT_COINS, [JSON.stringify(coins), isRanking]);
  if (isRanking) await client.query(UNRANK_MISSING, [coins.map(({ symbol }) => symbol)]);
}

export async function addCoins(db: Database, coins: readonly CoinUpdate[]): Promise<void> {
  await withTransaction(db, (client) => upsertCoins(client, coins, false));
}

/** Marks coins that the exchange lists no more as not traded. */
export async function closeCoins(client: pg.PoolClient, symbols: readonly string[]): Promise<void> {
  if (symbols.length === 0) return;
  await client.query(LOCK_COINS);
  await client.query(CLOSE, [symbols]);
}

/** A listing that was looked up within this time is not asked for again. */
const LISTING_TTL = "24 hours";

/** A stored coin; `isFresh`: its listing was looked up within a day. */
export type FoundCoin = Coin & { readonly isFresh: boolean };

/** The coins among `symbols` that the database knows, in the order of `symbols`. */
export async function findCoins(db: Database, symbols: readonly string[]): Promise<readonly FoundCoin[]> {
  return queryRows(db, FIND_COINS, [symbols, LISTING_TTL]);
}

const LIST_KNOWN = `
  select symbol, base, quote, quote_volume::text as "quoteVolume" from r3a.coin where status = 'TRADING'`;

/** The coins that trade as far as the database knows, with the volume of the last ranking that had one. */
export type ListedCoin = Pick<CoinUpdate, "symbol" | "base" | "quote" | "quoteVolume">;

export async function listKnown(db: Database): Promise<readonly ListedCoin[]> {
  return queryRows(db, LIST_KNOWN);
}

const LIST_SYMBOLS = `select symbol from r3a.coin order by volume_rank nulls last, symbol`;

/** Names of all stored coins, the most traded ones first. */
export async function listSymbols(db: Database): Promise<readonly string[]> {
  const rows = await queryRows<{ symbol: string }>(db, LIST_SYMBOLS);
  return rows.map(({ symbol }) => symbol);
}

const LIST_COINS = `
  select id as "coinId", symbol from r3a.coin
  where exists (select from r3a.series s where s.coin_id = id and ($1::text is null or s."interval" = $1)) order by symbol`;

/** Every coin with a stored series, or every coin with a stored series of the given interval. */
export async function listCoins(db: Database, interval: Interval | null = null): Promise<readonly Coin[]> {
  return queryRows(db, LIST_COINS, [interval]);
}

const LIST_STORED = `
  select symbol from r3a.coin
  where exists (select from r3a.series s where s.coin_id = id) order by volume_rank nulls last, symbol`;

/** Names of the coins with a stored series, the most traded ones first. */
export async function listStored(db: Database): Promise<readonly string[]> {
  const rows = await queryRows<{ symbol: string }>(db, LIST_STORED);
  return rows.map(({ symbol }) => symbol);
}
