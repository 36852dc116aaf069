import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { expectExit, HOUR, outputOf } from "../support/candle/series.ts";
import { keepTables } from "../support/database/kept-tables.ts";
import { type PlainAnswer, type PlainSymbol, usePlainWorld } from "../support/exchange/plain-exchange.ts";

/** What is missing in an exchange's lists is no fact: a list that cannot be right leaves the ranking as it was. */
const first = Math.floor(Date.now() / HOUR) * HOUR - 3 * HOUR;
// the alphabetically first ones are traded least
const NAMES = ["SOLUSDT", "ETHUSDT", "BTCUSDT", "DOTUSDT", "CAKEUSDT", "BBBUSDT", "ABAUSDT", "AAAUSDT"];
const { database, exchange, run: runCommand } = usePlainWorld(NAMES, first, { UNIVERSE_SIZE: "3" });
const listed = new Map<string, PlainSymbol>(
  [...exchange.symbols].map(([name, symbol]) => [name, { ...symbol }]),
);

const run = () => runCommand("sync 1h");
const members = async () =>
  (
    await database.query<{ symbol: string }>(
      "select c.symbol from r3a.universe_member m join r3a.coin c on c.id = m.coin_id where m.size = 3 order by 1",
    )
  ).map(({ symbol }) => symbol);
const statuses = async () =>
  (await database.query<{ status: string }>("select distinct status from r3a.coin")).map(
    ({ status }) => status,
  );
const makeDue = () =>
  database.query("update r3a.coin set ranked_at = now() - interval '61 minutes' where ranked_at is not null");
const LARGEST = ["BTCUSDT", "ETHUSDT", "SOLUSDT"];
const answerTo = (path: string, answer: (url: URL) => PlainAnswer | null) => {
  exchange.answer = (url) => (url.pathname.endsWith(path) ? answer(url) : null);
};

const TABLES = [
  ...["r3a.coin", "r3a.universe_member", "r3a.series", "r3a.ohlcv_gap_log", "r3a.ohlcv_partitioned"],
  ...["r3a_util.last_ts_by_coin_interval", "r3a.exchange_source"],
];
const ranked = keepTables(database, TABLES);

beforeAll(async () => {
  expectExit(await run(), 0);
  expect(await members()).toEqual(LARGEST);
  await ranked.keep();
});
beforeEach(async () => {
  await ranked.restore();
  // a ranking weighs 100, and those of all tests together more than a minute has
  await database.query("delete from r3a.run where command = 'ranking'");
  await database.query("truncate r3a.api_budget");
});
afterEach(() => {
  exchange.answer = null;
  exchange.symbols.clear();
  for (const [name, symbol] of listed) exchange.symbols.set(name, { ...symbol });
});

const tickers = (names: readonly string[], volume = "5") => ({
  body: names.map((symbol) => ({ symbol, quoteVolume: volume })),
});
const info = (names: readonly string[]) => ({
  body: {
    symbols: names.map((symbol) => ({
      symbol,
      status: "TRADING",
      baseAsset: symbol.slice(0, -4),
      quoteAsset: "USDT",
    })),
  },
});

describe("a later ranking stays with a warning", () => {
  test.each<[string, string, PlainAnswer]>([
    ["volumes are empty", "/ticker/24hr", tickers([])],
    ["volumes are of other symbols", "/ticker/24hr", tickers(["XUSDT", "YUSDT"])],
    ["volumes are 0", "/ticker/24hr", tickers(NAMES, "0.0")],
    ["volumes are no list", "/ticker/24hr", { body: {} }],
    ["volumes are not answered", "/ticker/24hr", { status: 503, body: {} }],
    ["volumes are the alphabetically first ones'", "/ticker/24hr", tickers(["AAAUSDT", "ABAUSDT"], "9")],
    ["no symbol is listed", "/exchangeInfo", info([])],
    ["most symbols are missing", "/exchangeInfo", info(["AAAUSDT", "ABAUSDT"])],
  ])("when %s", async (_, path, answer) => {
    await makeDue();
    answerTo(path, () => answer);
    const sync = await run();
    expectExit(sync, 0);
    expect(outputOf(sync)).toMatch(/the ranking of 61 min ago stays: /);
    expect(await members()).toEqual(LARGEST);
    expect(await statuses()).toEqual(["TRADING"]);
  });
});

describe("a single entry that is missing or broken", () => {
  test.each([undefined, null, "", "abc", "NaN", -1])(
    "a volume of %j keeps the last known one",
    async (volume) => {
      await makeDue();
      answerTo("/ticker/24hr", () => ({
        body: NAMES.map((symbol, index) => ({
          symbol,
          quoteVolume: symbol === "BTCUSDT" ? volume : String(1000 - index),
        })),
      }));
      expectExit(await run(), 0);
      expect(await members()).toEqual(LARGEST);
      const [coin] = await database.query(
        "select volume_rank, status from r3a.coin where symbol = 'BTCUSDT'",
      );
      expect(coin).toEqual({ volume_rank: 3, status: "TRADING" });
    },
  );

  test("a symbol that the list of traded ones lacks is asked for by name before it counts as ended", async () => {
    await makeDue();
    answerTo("/exchangeInfo", ({ searchParams }) =>
      searchParams.has("symbols") ? null : info(NAMES.filter((name) => name !== "BTCUSDT")),
    );
    expectExit(await run(), 0);
    expect(await database.query("select volume_rank, status from r3a.coin where symbol = 'BTCUSDT'")).toEqual(
      [{ volume_rank: 3, status: "TRADING" }],
    );
  });

  test("a symbol that halted has its own status, one that is listed no more is closed", async () => {
    await makeDue();
    Object.assign(exchange.symbols.get("DOTUSDT") ?? {}, { status: "CANCEL_ONLY" });
    exchange.symbols.delete("AAAUSDT");
    expectExit(await run(), 0);
    expect(
      await database.query(
        "select symbol, status, volume_rank from r3a.coin where status <> 'TRADING' order by 1",
      ),
    ).toEqual([
      { symbol: "AAAUSDT", status: "BREAK", volume_rank: null },
      { symbol: "DOTUSDT", status: "CANCEL_ONLY", volume_rank: null },
    ]);
  });
});

describe("the first ranking", () => {
  beforeEach(() => database.query(`truncate ${TABLES.join(", ")}`));

  test.each<[string, string, PlainAnswer]>([
    ["empty volumes", "/ticker/24hr", tickers([])],
    ["one volume", "/ticker/24hr", tickers(["AAAUSDT"])],
    ["no symbols", "/exchangeInfo", info([])],
  ])("with %s is refused with a sentence, and stores nothing", async (_, path, answer) => {
    answerTo(path, () => answer);
    const sync = await run();
    expectExit(sync, 1);
    expect(outputOf(sync)).toContain("the exchange's lists of symbols and volumes cannot be right");
    expect(await members()).toEqual([]);
    exchange.answer = null;
    expectExit(await run(), 0);
    expect(await members()).toEqual(LARGEST);
  });

  test("of a small mirror takes what there is", async () => {
    exchange.symbols.clear();
    exchange.symbols.set("ETHUSDT", { volume: "7", status: "TRADING", first, price: "1" });
    expectExit(await run(), 0);
    expect(await members()).toEqual(["ETHUSDT"]);
  });
});

test("a member that the exchange drops fails no run, and all of them do", async () => {
  exchange.symbols.delete("ETHUSDT");
  const sync = await run();
  expectExit(sync, 0);
  expect(outputOf(sync)).toContain("the exchange does not know ETHUSDT any more");
  exchange.symbols.clear();
  expectExit(await run(), 1);
});

test("a stored name that no command can name is left out with a warning", async () => {
  await database.query("update r3a.coin set symbol = E'eth\\u001b[31mUSDT' where symbol = 'ETHUSDT'");
  const sync = await run();
  expectExit(sync, 0);
  expect(outputOf(sync)).toContain("1 stored symbols have names that no command can name");
  expect(outputOf(sync)).not.toContain("\u001b[31m");
});

test.each(["entered_at = 'infinity'", "beyond_since = 'infinity'", "beyond_since = '-infinity'"])(
  "a member with %s stops no ranking",
  async (damage) => {
    await makeDue();
    await database.query(`update r3a.universe_member set ${damage}`);
    expectExit(await run(), 0);
    expect(await members()).toEqual(LARGEST);
  },
);

test.each(["infinity", "-infinity", "2105-01-01"])("a ranking of %s is ranked again", async (time) => {
  await database.query(`update r3a.coin set ranked_at = '${time}' where volume_rank is not null`);
  const asked = exchange.requests.length;
  expectExit(await run(), 0);
  expect(exchange.requests.slice(asked).map(({ pathname }) => pathname)).toContain("/api/v3/ticker/24hr");
});
