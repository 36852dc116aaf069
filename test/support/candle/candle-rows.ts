import type pg from "pg";
import type { Candle } from "../../../runner/src/candle/candle.ts";
import type { Gap } from "../../../runner/src/candle/gap.ts";
import { type Interval, WIDTH_MS } from "../../../runner/src/contract/intervals.ts";
import type { SeriesState } from "../../../runner/src/db/series.ts";
import type { PageWrite } from "../../../runner/src/db/store.ts";
import type { UsedDatabase } from "../database/database.ts";

/** `count` candles in a row; every value differs from slot to slot. */
export function makeCandles(interval: Interval, from: number, count: number): readonly Candle[] {
  return Array.from({ length: count }, (_, index) => {
    const openTime = from + index * WIDTH_MS[interval];
    return {
      openTime,
      open: `${100 + index}.10`,
      high: `${101 + index}.5`,
      low: `${99 + index}.00000001`,
      close: `${100 + index}.2`,
      volume: `${index}.75`,
      closeTime: openTime + WIDTH_MS[interval] - 1,
      quoteVolume: `${index * 100}.5`,
      trades: index,
      takerBase: `${index}.25`,
      takerQuote: `${index * 50}.125`,
    };
  });
}

/** A page of 1m candles without gaps that covers exactly them. */
export function makePage(
  coinId: number,
  candles: readonly Candle[],
  more: Partial<PageWrite> = {},
): PageWrite {
  const times = candles.map(({ openTime }) => openTime);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  return {
    coinId,
    interval: "1m",
    candles,
    overlapsStored: false,
    covered: { from: first, to: last + WIDTH_MS["1m"] },
    lastTs: last,
    gaps: [],
    ...more,
  };
}

/** A series of a symbol that trades, of which nothing is stored. */
export function makeSeries(interval: Interval): SeriesState {
  return {
    ...{
      coinId: 7,
      symbol: "BTCUSDT",
      interval,
      covered: null,
      lastTs: null,
      firstCandle: null,
      trading: true,
    },
    ...{ gaps: [], gapsFrom: Number.NEGATIVE_INFINITY, failed: [], unlisted: [], openGaps: 0 },
  };
}

export function makeGap(from: number, to: number, more: Partial<Gap> = {}): Gap {
  return {
    id: crypto.randomUUID(),
    from,
    to,
    state: "open",
    reason: "absent",
    attempts: 1,
    evidence: { absentSince: from },
    nextCheckAt: to,
    ...more,
  };
}

/** Adds coins and returns their ids. */
export async function addTestCoins(
  database: UsedDatabase,
  symbols: readonly string[],
): Promise<readonly number[]> {
  const rows = await database.query<{ id: number }>(
    `insert into r3a.coin (symbol, base, quote, status) select symbol, symbol, 'USDT', 'TRADING'
     from unnest($1::text[]) as u (symbol) returning id`,
    [symbols],
  );
  return rows.map(({ id }) => id);
}

/**
 * Place and writer of every row of the tables that a page changes: equal before and after means that no row was
 * written, and no candle even locked.
 */
export async function listVersions(database: UsedDatabase): Promise<readonly string[]> {
  const candles = `select tableoid::regclass || ' ' || ctid || ' ' || xmin || ' ' || xmax as version from r3a.ohlcv_partitioned`;
  const others = [
    "r3a.series",
    "r3a.ohlcv_gap_log",
    "r3a.candle_revision",
    "r3a_util.last_ts_by_coin_interval",
  ].map((table) => `select tableoid::regclass || ' ' || ctid || ' ' || xmin from ${table}`);
  const rows = await database.query<{ version: string }>(
    `${[candles, ...others].join(" union all ")} order by 1`,
  );
  return rows.map(({ version }) => version);
}

/**
 * A client that explains what it is asked to run, and the WAL bytes of it: a difference of LSNs would count what other
 * databases of the server write meanwhile.
 */
export function countWal(client: pg.PoolClient): { readonly client: pg.PoolClient; bytes(): number } {
  let bytes = 0;
  const query = async (text: string, values: unknown[]) => {
    const { rows } = await client.query(`explain (analyze, wal, format json) ${text}`, values);
    for (const [, found] of JSON.stringify(rows).matchAll(/"WAL Bytes":(\d+)/g)) bytes += Number(found);
    return { rows: [], rowCount: 0 };
  };
  return { client: Object.assign(Object.create(client), { query }), bytes: () => bytes };
}
