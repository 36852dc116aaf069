import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { DAY, expectExit, HOUR, MINUTE, outputOf } from "../support/candle/series.ts";
import { useDatabase } from "../support/database/database.ts";
import { keepTables } from "../support/database/kept-tables.ts";
import { type PlainExchange, usePlainExchange } from "../support/exchange/plain-exchange.ts";
import { runRunner } from "../support/runner.ts";

/** Which exchange answers is judged by its candles: an address that is new must show what is stored. */
const database = useDatabase();
const first = Math.floor(Date.now() / DAY) * DAY - 60 * DAY;
const NAMES = ["AUSDT", "BUSDT", "CUSDT", "DUSDT"];
const [own, mirror, other] = [0, 1, 2].map(() => usePlainExchange(NAMES, first)) as [
  PlainExchange,
  PlainExchange,
  PlainExchange,
];
const run = (exchange: PlainExchange, args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
  runRunner(args, { DB_URL: database.url, EXCHANGE_URL: exchange.url, SYMBOLS: NAMES.join(","), ...more });
const sync = (exchange: PlainExchange, interval: string, ...more: readonly string[]) =>
  run(exchange, ["sync", interval, ...more]);
const price = (exchange: PlainExchange, text: string) => {
  for (const symbol of exchange.symbols.values()) symbol.price = text;
};
const klines = (exchange: PlainExchange) =>
  exchange.requests.filter(({ pathname }) => pathname.endsWith("/klines"));
const rows = async (sql: string) =>
  (await database.query<{ n: number }>(`select count(*)::int as n from ${sql}`))[0]?.n;
const sources = () =>
  database.query(
    "select compared, equal, accepted_reason as reason from r3a.exchange_source order by first_seen",
  );

const TABLES = [
  ...["r3a.ohlcv_partitioned", "r3a.candle_revision", "r3a.series", "r3a.ohlcv_gap_log"],
  ...["r3a_util.last_ts_by_coin_interval", "r3a.origin", "r3a.exchange_source"],
];
const filled = keepTables(database, TABLES);
const empty = () => database.query(`truncate ${TABLES.join(", ")}`);

beforeAll(async () => {
  expectExit(await sync(own, "1d"), 0);
  await filled.keep();
});
beforeEach(async () => {
  for (const exchange of [own, mirror, other]) {
    price(exchange, exchange === other ? "2" : "1");
    exchange.answer = null;
    exchange.requests.length = 0;
  }
  await filled.restore();
});

describe("an address that this database does not know", () => {
  test("is only noted on an empty database, and costs the next runs nothing", async () => {
    expect(await sources()).toEqual([{ compared: 0, equal: 0, reason: null }]);
    expectExit(await sync(own, "1d"), 0);
    expect(klines(own)).toHaveLength(NAMES.length);
  });

  test("passes when it shows the stored candles, and is compared once, by one request a symbol", async () => {
    expectExit(await sync(mirror, "1d"), 0);
    const asked = klines(mirror).length;
    expect(asked).toBe(2 * NAMES.length);
    expectExit(await sync(mirror, "1d"), 0);
    expect(klines(mirror)).toHaveLength(asked + NAMES.length);
    // the first one was noted without a comparison, and is compared now that there are two
    expectExit(await sync(own, "1d"), 0);
    expect(await sources()).toEqual([
      { compared: 80, equal: 80, reason: null },
      { compared: 80, equal: 80, reason: null },
    ]);
  });

  test("passes when the stored candles are more than a request apart, behind a gap that nobody asked for", async () => {
    const day = (ms: number) => new Date(ms).toISOString();
    const recent = Math.floor(Date.now() / HOUR) * HOUR - 7 * DAY - 6 * HOUR;
    const old = ["--from", day(first), "--to", day(first + 2 * DAY)];
    expectExit(await run(own, ["backfill", "1h", "--from", day(recent)]), 0);
    expectExit(await run(own, ["backfill", "1h", ...old]), 0);
    expectExit(await sync(mirror, "1h"), 0);
  });

  test.each([
    [["sync", "1d"]],
    [["sync", "1d", "--dry-run"]],
    [["backfill", "1h", "--from", new Date(first).toISOString()]],
    [["gaps", "--repair"]],
    [["plan", "1h"]],
  ])("is refused with 78 by %s when it shows others, and nothing is written", async (args) => {
    const before = [await rows("r3a.ohlcv_partitioned"), await rows("r3a.coin"), await sources()];
    const refused = await run(other, args);
    expectExit(refused, 78);
    expect(outputOf(refused)).toMatch(/0 of 80 stored candles are equal there, and 90 % must be/);
    expect(outputOf(refused)).toMatch(
      /AUSDT 1d \d{4}-.* is stored as 1\/1\/1\/1 volume 5 and shown as 2\/2\/2\/2 volume 5/,
    );
    expect(outputOf(refused)).toContain('--accept-exchange "REASON"');
    expect([await rows("r3a.ohlcv_partitioned"), await rows("r3a.coin"), await sources()]).toEqual(before);
  });

  test("is taken with a reason, which stays in the database", async () => {
    expectExit(await sync(other, "1d", "--accept-exchange", "short"), 64);
    expectExit(await sync(other, "1d", "--accept-exchange", "our exchange merged with this one"), 0);
    expect((await sources())[1]).toEqual({
      compared: 80,
      equal: 0,
      reason: "our exchange merged with this one",
    });
    expectExit(await sync(other, "1d"), 0);
  });

  test("passes with one of ten candles corrected, and not with two", async () => {
    const damage = (count: number) =>
      database.query(
        `with old as (select coin_id, "timestamp", row_number() over (partition by coin_id order by "timestamp" desc) as n
           from r3a.ohlcv_partitioned where "timestamp" < now() - interval '8 days')
         update r3a.ohlcv_partitioned t set close = 0.5, low = 0.5 from old
         where t.coin_id = old.coin_id and t."timestamp" = old."timestamp" and n <= $1`,
        [count],
      );
    await damage(4);
    expectExit(await sync(mirror, "1d"), 78);
    await database.query(`update r3a.ohlcv_partitioned set close = 1, low = 1`);
    await damage(2);
    expectExit(await sync(mirror, "1d"), 0);
  });

  test("is compared by the largest interval that is stored, and by young candles where there are no others", async () => {
    await empty();
    expectExit(
      await run(own, ["sync", "1m"], { FALLBACK_START: new Date(Date.now() - HOUR).toISOString() }),
      0,
    );
    const refused = await sync(other, "1m");
    expectExit(refused, 78);
    expect(outputOf(refused)).toContain("AUSDT 1m");
    expectExit(await sync(mirror, "1m"), 0);
  });

  test("may have lost a symbol that is traded no more, but none that is, and not all of them", async () => {
    mirror.symbols.delete("AUSDT");
    const lost = await sync(mirror, "1d", "--symbols", "BUSDT");
    expectExit(lost, 78);
    expect(outputOf(lost)).toContain("60 of 80 stored candles are equal there");
    await database.query("update r3a.coin set status = 'BREAK' where symbol = 'AUSDT'");
    expectExit(await sync(mirror, "1d", "--symbols", "BUSDT"), 0);
    const saved = [...mirror.symbols];
    mirror.symbols.clear();
    await database.query("delete from r3a.exchange_source where compared > 0");
    const refused = await sync(mirror, "1d", "--symbols", "BUSDT");
    expectExit(refused, 78);
    expect(outputOf(refused)).toContain("shown as nothing");
    mirror.symbols.set("AUSDT", { volume: "9", status: "TRADING", first, price: "1" });
    for (const [name, symbol] of saved) mirror.symbols.set(name, symbol);
  });

  test.each([
    ["TRADING", "BREAK", ["CUSDT", "DUSDT"]],
    ["BREAK", "BREAK", ["BUSDT", "CUSDT", "DUSDT"]],
  ])("must know 3 symbols where 3 are stored: %s and %s", async (one, other, lost) => {
    const saved = new Map(mirror.symbols);
    for (const name of lost) mirror.symbols.delete(name);
    await database.query(
      `update r3a.coin set status = case symbol when 'CUSDT' then $1 else $2 end where symbol = any($3::text[])`,
      [one, other, lost],
    );
    const refused = await sync(mirror, "1d", "--symbols", "AUSDT");
    expectExit(refused, 78);
    expect(outputOf(refused)).toContain(`${80 - 20 * lost.length} of 80 stored candles are equal there`);
    expect(await sources()).toHaveLength(1);
    for (const [name, symbol] of saved) mirror.symbols.set(name, symbol);
    await database.query("update r3a.coin set status = 'TRADING'");
  });

  test("that does not answer now is neither refused nor noted", async () => {
    mirror.answer = ({ pathname }) => (pathname.endsWith("/klines") ? { status: 503, body: {} } : null);
    expectExit(await sync(mirror, "1d"), 75);
    expect(await sources()).toHaveLength(1);
  });
});

test("two that begin at once on an empty database are both compared later, and one of them is refused", async () => {
  await empty();
  const since = { FALLBACK_START: new Date(Date.now() - 30 * MINUTE).toISOString() };
  const both = await Promise.all([own, other].map((each) => run(each, ["sync", "1m"], since)));
  for (const { code } of both) expect([0, 1, 78]).toContain(code);
  const later = [await run(own, ["sync", "1m"], since), await run(other, ["sync", "1m"], since)];
  expect(later.map(({ code }) => code).toSorted()).not.toEqual([0, 0]);
});

test("doctor says what is known of the address", async () => {
  const doctor = async (exchange: PlainExchange) =>
    outputOf(await run(exchange, ["doctor", "--only", "origin", "--json"]));
  expect(await doctor(own)).toContain("is the only address that candles came from");
  expect(await doctor(other)).toContain("candles have not been compared");
  expectExit(await sync(mirror, "1d"), 0);
  expect(await doctor(mirror)).toContain("80 of 80 stored candles were equal there");
  expectExit(await sync(other, "1d", "--accept-exchange", "a person said so here"), 0);
  expect(await doctor(other)).toContain("a person said so here");
});
