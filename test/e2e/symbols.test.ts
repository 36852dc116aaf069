import { afterEach, expect, test } from "vitest";
import { expectExit, HOUR, MINUTE, outputOf } from "../support/candle/series.ts";
import { type PlainSymbol, usePlainWorld } from "../support/exchange/plain-exchange.ts";
import { lastRun } from "../support/last-run.ts";
import { expectResult } from "../support/result-json.ts";

/** One name that is wrong stops none of the others, whether it was never right or its coin has gone. */
const first = Math.floor(Date.now() / MINUTE) * MINUTE - 2 * HOUR;
const NAMES = ["BTCUSDT", "ETHUSDT", "DEADUSDT", "SOLUSDT", "ADAUSDT", "XRPUSDT"];
const { database, exchange, run } = usePlainWorld(NAMES, first);
const listed = new Map<string, PlainSymbol>(exchange.symbols);
afterEach(async () => {
  exchange.answer = null;
  for (const [name, symbol] of listed) exchange.symbols.set(name, symbol);
  await database.query("update r3a.coin set checked_at = now(), status = 'TRADING', closed_at = null");
});

const newest = async (symbol: string) =>
  (
    await database.query<{ n: number; at: Date | null }>(
      `select count(*)::int as n, max("timestamp") as at from r3a.ohlcv_partitioned t
       join r3a.coin c on c.id = t.coin_id where symbol = $1`,
      [symbol],
    )
  )[0];
const forgetNewest = () =>
  database.query(
    `with gone as (delete from r3a.ohlcv_partitioned where "timestamp" > now() - interval '9 minutes')
     update r3a.series set covered_to = covered_to - interval '11 minutes'`,
  );
const expectSynced = async (symbol: string) =>
  expect((await newest(symbol))?.at?.getTime() ?? 0).toBeGreaterThan(Date.now() - 5 * MINUTE);
const makeOld = () => database.query("update r3a.coin set checked_at = checked_at - interval '25 hours'");
const listingsAsked = () =>
  exchange.requests.filter(({ pathname }) => pathname.endsWith("/exchangeInfo")).length;

test.each(["sync 1m", `backfill 1m --from ${new Date(first).toISOString()}`])(
  "%s with one unknown name works on the others and ends with 1, with a suggestion",
  async (command) => {
    const unknown = await run(`${command} --symbols BTCUSTD,ETHUSDT,NOSUCHCOIN`);
    expectExit(unknown, 1);
    expect(outputOf(unknown)).toContain("the exchange does not know BTCUSTD (did you mean BTCUSDT?)");
    expect(outputOf(unknown)).toContain("NOSUCHCOIN: correct --symbols, or take them out");
    await expectSynced("ETHUSDT");
    expect(await lastRun(database)).toMatchObject({
      outcome: "partial",
      exit_code: 1,
      error_summary: expect.stringContaining("BTCUSTD"),
    });
    expectExit(await run("sync 1m --symbols BTCUSDT"), 0);
    const near = await run(`${command} --symbols BTCUSTD,ETHUSDT`);
    expect(outputOf(near)).toContain("BTCUSTD (did you mean BTCUSDT?)");
  },
);

test("the result counts a name that the exchange does not know as failed, and names it", async () => {
  const table = await run("sync 1h --symbols BTCUSDT,FOOUSDT");
  expectExit(table, 1);
  expect(table.stderr).toContain("the exchange does not know FOOUSDT: correct --symbols");
  expect(table.stdout).toMatch(/1h +2 +\d+ +1 /);
  expect(table.stdout).toContain("\nFOOUSDT: the exchange does not know it\n");
  const json = await run("sync 1h --symbols BTCUSDT,FOOUSDT --json");
  expectExit(json, 1);
  expect(expectResult(json)).toMatchObject({
    intervals: [{ symbols: 2, failed: 1 }],
    unknown: ["FOOUSDT"],
    unanswered: [],
  });
});

test("a name whose listing does not come is failed and not unknown", async () => {
  exchange.answer = ({ pathname }) =>
    pathname.endsWith("/exchangeInfo") ? { status: 400, body: { code: -1, msg: "no" } } : null;
  const table = await run("sync 1h --symbols BTCUSDT,FOOUSDT");
  expectExit(table, 1);
  expect(table.stdout).toContain("\nFOOUSDT: the exchange gave no listing of it\n");
  const json = await run("sync 1h --symbols BTCUSDT,FOOUSDT --json");
  expect(expectResult(json)).toMatchObject({
    intervals: [{ symbols: 2, failed: 1 }],
    unknown: [],
    unanswered: ["FOOUSDT"],
  });
});

test("names none of which is known are refused, with a suggestion of what trades", async () => {
  await database.query(
    "delete from r3a.coin c where not exists (select from r3a.series s where s.coin_id = c.id)",
  );
  const argument = await run("sync 1m --symbols XRPUSD");
  expectExit(argument, 64);
  expect(argument.stderr).toContain("XRPUSD (did you mean XRPUSDT?) (nothing was changed)");
  const setting = await run("sync 1m", { SYMBOLS: "XRPUSD,YYY" });
  expectExit(setting, 78);
  expect(setting.stderr).toContain("SYMBOLS: the exchange does not know XRPUSD (did you mean XRPUSDT?), YYY");
  expect(await database.query("select 1 from r3a.coin where symbol in ('XRPUSD', 'YYY')")).toEqual([]);
});

test("a coin that the exchange dropped stops no other, within and beyond the day that its listing counts", async () => {
  const names = "BTCUSDT,DEADUSDT";
  expectExit(await run(`sync 1m --symbols ${names}`), 0);
  exchange.symbols.delete("DEADUSDT");
  for (const isOld of [false, true]) {
    await forgetNewest();
    if (isOld) await makeOld();
    const later = await run("sync 1m", { SYMBOLS: names });
    expectExit(later, 1);
    expect(outputOf(later)).toContain("the exchange does not know DEADUSDT any more");
    expect(later.stdout).toMatch(/1m +2 +\d+ +1 /);
    expect(later.stdout).toContain("\nDEADUSDT: the exchange does not know it any more\n");
    await expectSynced("BTCUSDT");
    const json = await run("sync 1m --json", { SYMBOLS: names });
    expectExit(json, 1);
    expect(expectResult(json)).toMatchObject({
      intervals: [{ symbols: 2, failed: 1 }],
      unknown: ["DEADUSDT"],
      unanswered: [],
    });
  }
  expect(
    await database.query("select symbol, status from r3a.coin where symbol = any($1) order by 1", [
      ["BTCUSDT", "DEADUSDT"],
    ]),
  ).toEqual([
    { symbol: "BTCUSDT", status: "TRADING" },
    { symbol: "DEADUSDT", status: "BREAK" },
  ]);
});

test("a stored coin needs no listing: an exchange that lists nothing keeps nobody from candles", async () => {
  expectExit(await run("sync 1m --symbols BTCUSDT,ETHUSDT"), 0);
  for (const answer of [
    { status: 503, body: {} },
    { status: 200, body: { symbols: [] } },
    { status: 200, body: {} },
  ]) {
    exchange.answer = ({ pathname }) => (pathname.endsWith("/exchangeInfo") ? answer : null);
    await forgetNewest();
    await makeOld();
    expectExit(await run("sync 1m --symbols BTCUSDT,ETHUSDT"), 0);
    await expectSynced("BTCUSDT");
    expect(
      await database.query("select 1 from r3a.coin where symbol = 'BTCUSDT' and status = 'TRADING'"),
    ).toHaveLength(1);
  }
});

test("a status that nobody knew yet is kept, and means that the coin is not traded", async () => {
  expectExit(await run("sync 1m --symbols ADAUSDT"), 0);
  exchange.symbols.set("ADAUSDT", { volume: "1", first, price: "1", status: "CANCEL_ONLY" });
  await makeOld();
  expectExit(await run("sync 1m --symbols ADAUSDT"), 0);
  expect(
    await database.query(
      "select status, closed_at is not null as closed from r3a.coin where symbol = 'ADAUSDT'",
    ),
  ).toEqual([{ status: "CANCEL_ONLY", closed: true }]);
});

test("600 names of which one part cannot be looked up: the others are stored and synced", async () => {
  const many = Array.from({ length: 600 }, (_, index) => `N${String(index).padStart(3, "0")}USDT`);
  for (const name of many) exchange.symbols.set(name, { volume: "1", status: "TRADING", first, price: "1" });
  exchange.answer = ({ pathname, searchParams }) =>
    pathname.endsWith("/exchangeInfo") && searchParams.get("symbols")?.includes("N300USDT") === true
      ? { status: 500, body: {} }
      : null;
  const since = { FALLBACK_START: new Date(Date.now() - 10 * MINUTE).toISOString() };
  const sync = await run(`sync 1m --symbols BTCUSDT,${many.join(",")}`, since);
  expectExit(sync, 1);
  expect(outputOf(sync)).toContain("the exchange gave no listings of");
  await expectSynced("N000USDT");
  await expectSynced("N599USDT");
  exchange.answer = null;
  expectExit(await run(`sync 1m --symbols BTCUSDT,${many.join(",")}`, since), 0);
  await expectSynced("N300USDT");
  for (const name of many) exchange.symbols.delete(name);
});

test("a plan says which name is wrong, and plans the others", async () => {
  const asked = listingsAsked();
  const plan = await run("plan 1m --symbols BTCUSDT,BTCUSTD --json");
  expectExit(plan, 1);
  expect(JSON.parse(plan.stdout).series.map(({ symbol }: { symbol: string }) => symbol)).toEqual(["BTCUSDT"]);
  expect(plan.stderr).toContain("did you mean BTCUSDT");
  expect(listingsAsked()).toBe(asked + 1);
});
