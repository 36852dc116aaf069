import pg from "pg";

/**
 * What an engineer would write by hand for one minute of 60 symbols: ask the clock, fetch every symbol at once, one
 * upsert. No lock, no coverage, no ledger, no retry, no budget. The base that the minute job is compared with.
 */

const INTERVAL_MS = 60_000;
const CANDLES = 5;

const { DB_URL, EXCHANGE_URL, SYMBOLS } = process.env as Record<string, string>;
const symbols = (SYMBOLS ?? "").split(",");
const client = new pg.Client({ connectionString: DB_URL ?? "" });

type Row = readonly [number, string, string, string, string, string, number, string, number, string, string];

const ask = async (path: string): Promise<unknown> => (await fetch(`${EXCHANGE_URL}/api/v3/${path}`)).json();

const [time] = (await Promise.all([ask("time"), client.connect()])) as [{ serverTime: number }, unknown];
const to = Math.floor(time.serverTime / INTERVAL_MS) * INTERVAL_MS;
const from = to - CANDLES * INTERVAL_MS;
const pages = await Promise.all(
  symbols.map((symbol) =>
    ask(`klines?symbol=${symbol}&interval=1m&startTime=${from}&endTime=${to - 1}&limit=1000`),
  ),
);
const { rows: coins } = await client.query<{ id: number; symbol: string }>("select id, symbol from r3a.coin");
const idOf = new Map(coins.map(({ id, symbol }) => [symbol, id]));
const rows = pages.flatMap((page, index) =>
  (page as Row[]).map((row) => ({ id: idOf.get(symbols[index] ?? "") ?? 0, row })),
);
const column = (pick: (entry: (typeof rows)[number]) => unknown) => `{${rows.map(pick).join(",")}}`;
await client.query(
  `insert into r3a.ohlcv_partitioned as t (coin_id, "interval", "timestamp", open, high, low, close, volume, close_time,
     quote_volume, trades, taker_base, taker_quote)
   select id, '1m', to_timestamp(ts / 1000.0), o, h, l, c, v, to_timestamp(ct / 1000.0), q, n, tb, tq
   from unnest($1::int[], $2::bigint[], $3::numeric[], $4::numeric[], $5::numeric[], $6::numeric[], $7::numeric[],
     $8::bigint[], $9::numeric[], $10::bigint[], $11::numeric[], $12::numeric[]) as u (id, ts, o, h, l, c, v, ct, q, n, tb, tq)
   on conflict (coin_id, "interval", "timestamp") do update set close = excluded.close, volume = excluded.volume
   where (t.close, t.volume) is distinct from (excluded.close, excluded.volume)`,
  [column(({ id }) => id), ...Array.from({ length: 11 }, (_, field) => column(({ row }) => row[field]))],
);
await client.end();
