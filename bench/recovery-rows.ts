import { buffer } from "node:stream/consumers";
import { to as copyTo } from "pg-copy-streams";
import { withClient } from "../dev/postgres/with-client.ts";
import { openDatabase } from "../runner/src/db/connect.ts";
import { ensureLeaf } from "../runner/src/db/leaves.ts";
import { type Leaf, leafAt } from "../runner/src/partition/layout.ts";
import { MINUTE_MS } from "../runner/src/time.ts";

/** Coins that candles are made for, by their ids in the order in which they were added. */
export type Coins = { readonly first: number; readonly last: number };

/** The leaf of the last 1m month that is over. */
export function lastMonth(now = Date.now()): Leaf {
  return leafAt("1m", leafAt("1m", now).span.from - 1);
}

/** Adds coins that have no candle yet, numbered from `first` to `last`. */
export async function addCoins(url: string, { first, last }: Coins): Promise<void> {
  await withClient(url, (client) => client.query(ADD_COINS, [first, last]));
}

/**
 * Every minute of a leaf for the coins, minute by minute as syncs store them. Prices and volumes are random, so that they
 * take the bytes that real ones take; all coins have the same, 5 MB apart, where the window of zstd does not see it.
 */
export async function fillMonth(url: string, leaf: Leaf, { first, last }: Coins): Promise<void> {
  const db = openDatabase(url, "bench");
  try {
    await ensureLeaf(db, leaf);
  } finally {
    await db.pool.end();
  }
  const minutes = (leaf.span.to - leaf.span.from) / MINUTE_MS;
  await withClient(inUtc(url), async (client) => {
    await client.query(MAKE_MINUTES, [leaf.span.from / 1000, minutes]);
    await client.query(ADD_MINUTES, [first, last]);
    await client.query("drop table minute; analyze r3a.ohlcv_partitioned; checkpoint");
  });
}

/** As the runner's sessions have it: the times in a revision are compared as texts. */
const inUtc = (url: string) => ({
  connectionString: url,
  options: "-c synchronous_commit=off -c TimeZone=UTC",
});

const ADD_COINS = `
  insert into r3a.coin (symbol, base, quote, status)
  select 'C' || n || 'USDT', 'C' || n, 'USDT', 'TRADING' from generate_series($1::int, $2::int) n`;

/** $1: the start (s), $2: how many. */
const MAKE_MINUTES = `
  create temp table minute as
  select to_timestamp($1::bigint + n * 60) as at, round(p::numeric, 2) as open, round((p + 4 + random() * 5)::numeric, 2) as high,
         round((p - 4 - random() * 5)::numeric, 2) as low, round((p + random() * 8 - 4)::numeric, 2) as close,
         round((random() * 90)::numeric, 5) as volume, round((random() * 4e6)::numeric, 8) as quote_volume, (random() * 4000)::int as trades,
         round((random() * 40)::numeric, 5) as taker_base, round((random() * 2e6)::numeric, 8) as taker_quote
  from generate_series(0, $2::int - 1) n cross join lateral (select 42000 + 3000 * sin(n / 700.0) + random() * 20 as p) v`;

const ADD_MINUTES = `
  insert into r3a.ohlcv_partitioned (coin_id, "interval", "timestamp", open, high, low, close, volume, quote_volume, trades,
         taker_base, taker_quote, close_time, source)
  select c.id, '1m', at, open, high, low, close, volume, quote_volume, trades, taker_base, taker_quote,
         at + interval '59.999 s', 'rest'
  from minute m cross join (select id from r3a.coin where id between $1 and $2) c order by m.at, c.id`;

/** Takes the candles of the last `minutes` of a leaf away, for `giveMinutes` to add them as syncs do. */
export async function holdMinutes(url: string, { name, span }: Leaf, minutes: number): Promise<void> {
  const from = new Date(span.to - minutes * MINUTE_MS);
  await withClient(inUtc(url), async (client) => {
    await client.query(`create table public.held (like r3a.${name})`);
    await client.query(
      `with gone as (delete from r3a.${name} where "timestamp" >= $1 returning *) insert into public.held select * from gone`,
      [from],
    );
  });
}

/** Adds the earliest of the minutes that are held. */
export async function giveMinutes(url: string, { name }: Leaf, minutes: number): Promise<void> {
  await withClient(inUtc(url), (client) => client.query(GIVE_MINUTES(name), [minutes]));
}

const GIVE_MINUTES = (leaf: string) => `
  with given as (
    delete from public.held where "timestamp" < (select min("timestamp") from public.held) + $1 * interval '1 min' returning *
  )
  insert into r3a.${leaf} select * from given`;

/** Takes the values of a row of each coin for newer ones, and writes a revision of each, as a sync does. */
export async function reviseEach(url: string, { name }: Leaf): Promise<void> {
  await withClient(inUtc(url), (client) => client.query(REVISE_EACH(name)));
}

const REVISE_EACH = (leaf: string) => `
  with old as (
    select t.* from r3a.coin c
    cross join lateral (select * from r3a.${leaf} where coin_id = c.id and "interval" = '1m' order by "timestamp" limit 1) t
  ),
  changed as (
    update r3a.${leaf} t set volume = t.volume + 0.00001 from old o
    where t.coin_id = o.coin_id and t."interval" = o."interval" and t."timestamp" = o."timestamp" returning t.*
  )
  insert into r3a.candle_revision (coin_id, "interval", "timestamp", old_values, new_values, old_source, new_source)
  select coin_id, "interval", "timestamp", to_jsonb(o), to_jsonb(n), o.source, n.source
  from old o join changed n using (coin_id, "interval", "timestamp")`;

/** A new coin with the first five days of each leaf; returns its rows of each leaf as the text of COPY. */
export async function addLateCoin(url: string, leaves: readonly Leaf[]): Promise<readonly Buffer[]> {
  return withClient(inUtc(url), async (client) => {
    const { rows } = await client.query<{ id: number }>(LATE_COIN);
    const texts: Buffer[] = [];
    for (const { name, span } of leaves) {
      await client.query("drop table if exists minute");
      await client.query(MAKE_MINUTES, [span.from / 1000, LATE_MINUTES]);
      await client.query(ADD_MINUTES, [rows[0]?.id, rows[0]?.id]);
      const text = await buffer(
        client.query(
          copyTo(
            `copy (select * from r3a.${name} where coin_id = ${rows[0]?.id} order by "timestamp") to stdout`,
          ),
        ),
      );
      texts.push(text);
    }
    return texts;
  });
}

const LATE_MINUTES = 5 * 1440;
const LATE_COIN = `insert into r3a.coin (symbol, base, quote, status) values ('LATEUSDT', 'LATE', 'USDT', 'TRADING') returning id`;
