import { afterAll, beforeAll, expect } from "vitest";
import { type ExchangeOptions, type SimulatedExchange, startExchange } from "../../dev/exchange/exchange.ts";
import { listCandles } from "../../dev/exchange/generator.ts";
import type { KlineRow } from "../../dev/exchange/kline-text.ts";
import type { Interval } from "../../runner/src/contract/intervals.ts";
import { STORED } from "./candle/stored-rows.ts";
import { type UsedDatabase, useDatabase } from "./database/database.ts";
import { type RunningRunner, type RunResult, runRunner, startRunner } from "./runner.ts";

/** A database of its own, a simulated exchange of its own, and the runner between them. */
export type World = {
  readonly database: UsedDatabase;
  readonly exchange: SimulatedExchange;
  env(more?: Readonly<Record<string, string>>): Record<string, string>;
  run(args: string, more?: Readonly<Record<string, string>>): Promise<RunResult>;
  /** The same, where a word may hold blanks. */
  runWords(words: readonly string[], more?: Readonly<Record<string, string>>): Promise<RunResult>;
  start(args: string, more?: Readonly<Record<string, string>>): RunningRunner;
  /** What the exchange holds as closed candles of the span: the truth. */
  truth(symbol: string, interval: Interval, from: number, to: number): readonly KlineRow[];
  /** What the database holds, as rows of the exchange's own shape. */
  stored(symbol: string, interval: Interval): Promise<readonly KlineRow[]>;
};

/** Registers database and exchange for one test file. Without recorded rows, so that intervals reconcile. */
export function useWorld(options: ExchangeOptions = {}, database: UsedDatabase = useDatabase()): World {
  let exchange: SimulatedExchange | undefined;
  beforeAll(async () => {
    exchange = await startExchange({ recorded: false, ...options });
  });
  afterAll(async () => {
    await exchange?.stop();
  });
  const running = (): SimulatedExchange => {
    if (exchange === undefined) throw new Error("the exchange is not started before the first test");
    return exchange;
  };
  const world: World = {
    database,
    get exchange() {
      return running();
    },
    env: (more = {}) => ({ DB_URL: database.url, EXCHANGE_URL: running().url, LOG_LEVEL: "info", ...more }),
    run: (args, more) => runRunner(args.split(" "), world.env(more)),
    runWords: (words, more) => runRunner(words, world.env(more)),
    start: (args, more) => startRunner(args.split(" "), world.env(more)),
    truth(symbol, interval, from, to) {
      const entry = running().market.find((candidate) => candidate.symbol === symbol);
      if (entry === undefined) throw new Error(`the market has no ${symbol}`);
      return listCandles(entry, interval, { from, to }, running().now()).filter(
        (row) => row[6] < running().now(),
      );
    },
    stored: storedIn(database),
  };
  return world;
}

/** What a database holds of a series, as rows of the exchange's own shape. */
export function storedIn(database: UsedDatabase): World["stored"] {
  return async (symbol, interval) => {
    const rows = await database.query<Record<string, string | number>>(STORED, [symbol, interval]);
    return rows.map((row) => [...Object.values(row), "0"]) as unknown as readonly KlineRow[];
  };
}

/** The invariant that holds at every commit, and the last timestamps are those of the newest stored candles. */
export async function expectInvariant(world: World): Promise<void> {
  await expectAccounted(world);
  const lastTs = await world.database.query(`
    select l.* from r3a_util.last_ts_by_coin_interval l
    where l.last_ts is distinct from (select max(t."timestamp") from r3a.ohlcv_partitioned t
      where t.coin_id = l.coin_id and t."interval" = l."interval")`);
  expect(lastTs).toEqual([]);
}

/** The invariant: each slot of every covered span is stored or lies in the gap log, once. */
export async function expectAccounted(world: World): Promise<void> {
  const broken = await world.database.query(`
    with width (i, ms) as (values ('1m', 60000), ('15m', 900000), ('1h', 3600000), ('4h', 14400000), ('1d', 86400000)),
    covered as (
      select s.coin_id, s."interval", w.ms,
             ((extract(epoch from covered_to) - extract(epoch from covered_from)) * 1000 / w.ms)::bigint as slots
      from r3a.series s join width w on w.i = s."interval" where covered_from is not null
    ), stored as (
      select c.coin_id, c."interval", count(distinct floor(extract(epoch from t."timestamp") * 1000 / c.ms)) as slots
      from covered c join r3a.series s using (coin_id, "interval")
      join r3a.ohlcv_partitioned t on t.coin_id = c.coin_id and t."interval" = c."interval"
        and t."timestamp" >= s.covered_from and t."timestamp" < s.covered_to group by 1, 2
    ), logged as (
      select c.coin_id, c."interval", sum((extract(epoch from to_ts) - extract(epoch from from_ts)) * 1000 / c.ms)::bigint as slots
      from covered c join r3a.ohlcv_gap_log g using (coin_id, "interval") where g.state <> 'repaired' group by 1, 2
    )
    select c.*, s.slots as stored, l.slots as logged from covered c
    left join stored s using (coin_id, "interval") left join logged l using (coin_id, "interval")
    where c.slots <> coalesce(s.slots, 0) + coalesce(l.slots, 0)`);
  expect(broken).toEqual([]);
}
