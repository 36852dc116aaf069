import type pg from "pg";
import type { FirstEvidence } from "../candle/first-candle.ts";
import type { Interval } from "../contract.ts";
import { type Database, withClient, withTransaction } from "./connect.ts";

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

/** A member of "the N largest"; times in ms. */
export type Member = {
  readonly coinId: number;
  readonly enteredAt: number;
  readonly beyondSince: number | null;
};

export type RankedCoin = { readonly coinId: number; readonly rank: number };

/** The lists come in any order, and two that lock the same rows in different orders would deadlock. */
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

/** Symbols that no longer trade are missing from the list of those that do. */
const CLOSE_MISSING = `
  update r3a.coin set status = 'BREAK', closed_at = coalesce(closed_at, now()), volume_rank = null
  where status = 'TRADING' and not symbol = any($1::text[])`;

const FIND_COINS = `
  select id as "coinId", symbol from r3a.coin where symbol = any($1::text[])
  and ($2::interval is null or checked_at > now() - $2::interval) order by array_position($1::text[], symbol)`;

const RANKING = `select id as "coinId", volume_rank as rank from r3a.coin where volume_rank is not null order by volume_rank`;
const RANKING_AGE = `select (extract(epoch from now() - max(ranked_at)) * 1000)::float8 as age from r3a.coin where volume_rank is not null`;

const MEMBERS = `
  select m.coin_id as "coinId", c.symbol, m.entered_at, m.beyond_since
  from r3a.universe_member m join r3a.coin c on c.id = m.coin_id
  where m.size = $1 order by c.volume_rank nulls last, c.symbol`;
const SIZES = `select distinct size from r3a.universe_member`;
const DELETE_MEMBERS = `delete from r3a.universe_member where size = $1 and not coin_id = any($2::int[])`;
const UPSERT_MEMBERS = `
  insert into r3a.universe_member as m (size, coin_id, entered_at, beyond_since)
  select $1, "coinId", to_timestamp("enteredAt" / 1000.0), to_timestamp("beyondSince" / 1000.0)
  from jsonb_to_recordset($2) as u ("coinId" int, "enteredAt" bigint, "beyondSince" bigint)
  on conflict (size, coin_id) do update set beyond_since = excluded.beyond_since`;

/** Two runs may ask at once: the earlier answer stays, unless it is the one that was just found impossible. */
const SET_FIRST_CANDLE = `
  update r3a.coin set first_candle = to_timestamp($2 / 1000.0), first_evidence = $3
  where id = $1 and (first_candle is null or first_candle >= to_timestamp($2 / 1000.0)
    or first_candle not between '2017-01-01 00:00:00+00' and to_timestamp($4 / 1000.0))`;

/** What was logged as before the listing and is not before it any more is due now, in every interval. */
const REFUTE_BEFORE_LISTING = `
  update r3a.ohlcv_gap_log set next_check_at = to_timestamp($3 / 1000.0), updated_at = now()
  where coin_id = $1 and state = 'before_listing' and to_ts > to_timestamp($2 / 1000.0)
    and (next_check_at is null or next_check_at > to_timestamp($3 / 1000.0))`;

const FIRST_STORED = `
  select (extract(epoch from min("timestamp")) * 1000)::float8 as first
  from r3a.ohlcv_partitioned where coin_id = $1 and "interval" = $2`;

/** Adds and updates coins. With `isRanking` the list is everything that trades: ranks are replaced, others closed. */
export async function upsertCoins(
  client: pg.PoolClient,
  coins: readonly CoinUpdate[],
  isRanking: boolean,
): Promise<void> {
  await client.query(LOCK_COINS);
  await client.query(UPSERT_COINS, [JSON.stringify(coins), isRanking]);
  if (isRanking) await client.query(CLOSE_MISSING, [coins.map(({ symbol }) => symbol)]);
}

export async function addCoins(db: Database, coins: readonly CoinUpdate[]): Promise<void> {
  await withTransaction(db, (client) => upsertCoins(client, coins, false));
}

/** The known ones of `symbols`, in that order; only those checked within `maxAge` (a Postgres interval) unless null. */
export async function findCoins(
  db: Database,
  symbols: readonly string[],
  maxAge: string | null,
): Promise<readonly Coin[]> {
  const { rows } = await withClient(db, (client) => client.query<Coin>(FIND_COINS, [symbols, maxAge]));
  return rows;
}

/** Age of the ranking in ms, null where there is none. */
export async function findRankingAge(db: Database): Promise<number | null> {
  const { rows } = await withClient(db, (client) => client.query<{ age: number | null }>(RANKING_AGE));
  return rows[0]?.age ?? null;
}

/** Members of the N largest, largest first. */
export async function listMembers(db: Database, size: number): Promise<readonly Coin[]> {
  const { rows } = await withClient(db, (client) => client.query<Coin>(MEMBERS, [size]));
  return rows.map(({ coinId, symbol }) => ({ coinId, symbol }));
}

export async function listSizes(client: pg.PoolClient): Promise<readonly number[]> {
  const { rows } = await client.query<{ size: number }>(SIZES);
  return rows.map(({ size }) => size);
}

/** Replaces the members of one size by what `plan` makes of the ranking and the members so far. */
export async function replaceMembers(
  client: pg.PoolClient,
  size: number,
  plan: (ranking: readonly RankedCoin[], members: readonly Member[]) => readonly Member[],
): Promise<void> {
  const ranking = await client.query<RankedCoin>(RANKING);
  const stored = await client.query<Coin & { entered_at: Date; beyond_since: Date | null }>(MEMBERS, [size]);
  const members = plan(
    ranking.rows,
    stored.rows.map((row) => ({
      coinId: row.coinId,
      enteredAt: row.entered_at.getTime(),
      beyondSince: row.beyond_since?.getTime() ?? null,
    })),
  );
  await client.query(DELETE_MEMBERS, [size, members.map(({ coinId }) => coinId)]);
  await client.query(UPSERT_MEMBERS, [size, JSON.stringify(members)]);
}

/** A first candle with why it is believed; `before`: what was believed until now, `now`: the exchange's time (ms). */
export type FirstUpdate = {
  readonly firstCandle: number;
  readonly firstEvidence: FirstEvidence;
  readonly before: number | null;
  readonly now: number;
};

export async function setFirstCandle(db: Database, coinId: number, update: FirstUpdate): Promise<void> {
  const { firstCandle, firstEvidence, before, now } = update;
  await withTransaction(db, async (client) => {
    await client.query(SET_FIRST_CANDLE, [coinId, firstCandle, firstEvidence, now]);
    if (before !== null && before !== firstCandle)
      await client.query(REFUTE_BEFORE_LISTING, [coinId, firstCandle, now]);
  });
}

/** Open time (ms) of the oldest stored candle of a series, null where none is stored. */
export async function findFirstStored(
  db: Database,
  coinId: number,
  interval: Interval,
): Promise<number | null> {
  const { rows } = await withClient(db, (client) =>
    client.query<{ first: number | null }>(FIRST_STORED, [coinId, interval]),
  );
  return rows[0]?.first ?? null;
}

const LIST_COINS = `
  select id as "coinId", symbol from r3a.coin
  where exists (select from r3a.series s where s.coin_id = id and ($1::text is null or s."interval" = $1)) order by symbol`;

/** Every coin of which a series is stored, or one of that interval. */
export async function listCoins(db: Database, interval: Interval | null = null): Promise<readonly Coin[]> {
  const { rows } = await withClient(db, (client) => client.query<Coin>(LIST_COINS, [interval]));
  return rows;
}
