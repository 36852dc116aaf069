import { beforeAll, expect, test } from "vitest";
import { type SimulatedExchange, startExchange } from "../../dev/exchange/exchange.ts";
import { listCandles } from "../../dev/exchange/generator.ts";
import { DAY, expectExit, outputOf } from "../support/candle/series.ts";
import { useLegacyDatabases } from "../support/legacy/build.ts";
import { runRunner } from "../support/runner.ts";

/** The first sync after a move compares the exchange with old candles, which came from it through other columns. */

const make = useLegacyDatabases();
const SYMBOLS = ["BTCUSDT", "ETHUSDT", "SOLUSDT"];
let exchange: SimulatedExchange;
beforeAll(async () => {
  exchange = await startExchange({ recorded: false });
  return () => exchange.stop();
});

/** The last month's candles of the exchange, each of them with its close times `factor`. */
function oldRows(month: number, factor: number): string {
  const next = new Date(month);
  const to = next.setUTCMonth(next.getUTCMonth() + 1);
  return SYMBOLS.flatMap((symbol, index) => {
    const entry = exchange.market.find((each) => each.symbol === symbol);
    if (entry === undefined) throw new Error(`the market has no ${symbol}`);
    return listCandles(entry, "1d", { from: month, to }, exchange.now()).map(
      ([at, open, high, low, close, volume]) =>
        `(${index + 1}, '1d', to_timestamp(${at / 1000}), ${[open, Number(high) * factor, low, Number(close) * factor, volume].join(", ")})`,
    );
  }).join(", ");
}

async function moveAndSync(type: string, factor: number) {
  const now = new Date(exchange.now() - 8 * DAY);
  const month = Date.UTC(now.getUTCFullYear(), now.getUTCMonth());
  const columns = ["open", "high", "low", "close", "volume"].map((name) => `alter ${name} type ${type}`);
  const database = await make(
    {
      coins: SYMBOLS,
      firstMonth: new Date(month).toISOString().slice(0, 7),
      months: 1,
      intervals: ["1d"],
      rowsPerLeaf: 0,
    },
    `alter table r3a.ohlcv_partitioned ${columns.join(", ")};
     insert into r3a.ohlcv_partitioned values ${oldRows(month, factor)}`,
  );
  expect(await database.run("migrate-layout")).toMatchObject({ code: 0 });
  const env = { DB_URL: database.url, EXCHANGE_URL: exchange.url, SYMBOLS: SYMBOLS.join(",") };
  const run = await runRunner(["sync", "1d"], env);
  const sources = await database.query(
    "select compared > 5 as enough, compared = equal as all from r3a.exchange_source",
  );
  return { run, sources };
}

test.each(["numeric", "numeric(20,8)", "numeric(20,2)", "numeric(20,0)", "double precision", "real"])(
  "old columns of type %s are the same exchange's",
  async (type) => {
    const { run, sources } = await moveAndSync(type, 1);
    expectExit(run, 0);
    expect(sources).toEqual([{ enough: true, all: true }]);
  },
);

test.each(["numeric(20,2)", "real"])(
  "old columns of type %s with prices that are a thousandth higher are another exchange's",
  async (type) => {
    const { run, sources } = await moveAndSync(type, 1.001);
    expectExit(run, 78);
    expect(outputOf(run)).toMatch(/0 of \d+ stored candles are equal there, and 90 % must be/);
    expect(sources).toEqual([]);
  },
);
