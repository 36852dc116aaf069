import { beforeAll, describe, expect, test } from "vitest";
import { makeSeries } from "../support/candle/made-series.ts";
import { DAY, expectExit, MINUTE } from "../support/candle/series.ts";
import { useDatabase } from "../support/database/database.ts";
import { type RunResult, runRunner } from "../support/runner.ts";

const database = useDatabase();
const run = (args: string) => runRunner(args.split(" "), { DB_URL: database.url });
const linesOf = ({ stdout }: RunResult) => (stdout === "" ? [] : stdout.trimEnd().split("\n"));
const JAN = Date.UTC(2026, 0, 1);

beforeAll(() =>
  makeSeries(database.url, [
    { symbol: "BTCUSDT", interval: "1m", from: JAN, to: JAN + 10 * MINUTE },
    { symbol: "BTCUSDT", interval: "1h", from: JAN, to: JAN + 3 * DAY },
    { symbol: "ETHUSDT", interval: "1h", from: JAN, to: JAN + 3 * DAY },
    { symbol: "ETHUSDT", interval: "1d", from: JAN, to: JAN + 10 * DAY },
    { symbol: "DOGEUSDT", interval: "1d", from: JAN, to: JAN + 10 * DAY },
  ]),
);

describe("a table", () => {
  test("has no borders, fits 80 characters, and shows numbers without zeros at the end", async () => {
    const result = await run("candles BTCUSDT 1h --from 20260101-20260102");
    expectExit(result, 0);
    expect(result.stderr).toBe("");
    const [head, first, ...rest] = linesOf(result);
    expect(head).toMatch(/^timestamp +open +high +low +close +volume$/);
    expect(first).toMatch(
      /^2026-01-01T00:00Z +500\d\d\.\d\d +500\d\d\.\d\d +\d{5}\.\d\d +500\d\d\.\d\d +12\.5$/,
    );
    expect(rest).toHaveLength(23);
    for (const line of linesOf(result)) expect(line.length).toBeLessThanOrEqual(80);
    expect(new Set(linesOf(result).map((line) => line.length)).size).toBe(1);
  });

  test("of several series names them in order, still within 80 characters", async () => {
    const result = await run(
      "candles ETHUSDT,btc/usdt 1d,1h --from 20260101-20260103 --columns symbol,interval,timestamp",
    );
    const series = linesOf(result).map((line) => line.split(/ +/).slice(0, 2).join(" "));
    expect([...new Set(series)]).toEqual(["symbol interval", "BTCUSDT 1h", "ETHUSDT 1h", "ETHUSDT 1d"]);
    const whole = await run("candles ETHUSDT,BTCUSDT 1h --from 20260101-20260103");
    expect(linesOf(whole)[0]).toMatch(/^symbol +interval +timestamp +open +high +low +close +volume$/);
    for (const line of linesOf(whole)) expect(line.length).toBeLessThanOrEqual(80);
  });

  test("has all columns with --wide, and the day alone as the time of 1d", async () => {
    const result = await run("candles ETHUSDT 1d --from 20260101-20260103 --wide");
    const [head, first] = linesOf(result);
    expect(head?.split(/ +/)).toHaveLength(12);
    expect(first).toMatch(/^2026-01-01 .* 2026-01-01T23:59:59\.999Z .* 7 /);
  });
});

describe("formats", () => {
  const day = "--from 20260101-20260102";

  test("csv and ndjson name the series, and take columns in the order asked", async () => {
    const csv = await run(`candles ETHUSDT 1d ${day} --format csv --columns close,symbol`);
    expect(linesOf(csv)).toEqual(["close,symbol", expect.stringMatching(/^500\d\d\.\d{8},ETHUSDT$/)]);
    const [record = ""] = linesOf(await run(`candles ETHUSDT 1d ${day} --format ndjson`));
    expect(JSON.parse(record)).toMatchObject({
      ...{ symbol: "ETHUSDT", interval: "1d", trades: "7", source: "rest" },
    });
    const all = await run(`candles ETHUSDT 1d ${day} --format csv`);
    expect(linesOf(all)).toEqual([
      expect.stringMatching(/^symbol,interval,timestamp,.*,taker_quote,source$/),
      expect.stringMatching(/,rest$/),
    ]);
  });

  test("--numbers gives numbers with every digit", async () => {
    const [record = ""] = linesOf(await run(`candles ETHUSDT 1d ${day} --format ndjson --numbers`));
    expect(record).toMatch(/"open":500\d\d\.\d{8},.*"trades":7,/);
    expect(JSON.parse(record)).toMatchObject({ timestamp: "2026-01-01T00:00:00Z", trades: 7 });
  });

  test("--json is one object, also of nothing", async () => {
    const parse = async (args: string) => JSON.parse((await run(args)).stdout);
    const some = await parse("candles DOGEUSDT,ETHUSDT 1d --last 2 --json --columns symbol,timestamp");
    expect(some).toEqual({
      version: 1,
      command: "candles",
      candles: ["DOGEUSDT", "ETHUSDT"].flatMap((symbol) => [
        { symbol, timestamp: "2026-01-09T00:00:00Z" },
        { symbol, timestamp: "2026-01-10T00:00:00Z" },
      ]),
    });
    const none = await parse("candles ETHUSDT 1d --to 2025-01-01 --json");
    expect(none).toEqual({ version: 1, command: "candles", candles: [] });
  });

  test("all takes every stored series", async () => {
    const rows = linesOf(await run("candles all all --last 1 --format csv --columns symbol,interval"));
    expect(rows.slice(1)).toEqual(["BTCUSDT,1m", "BTCUSDT,1h", "DOGEUSDT,1d", "ETHUSDT,1h", "ETHUSDT,1d"]);
  });
});

test("a name that is not there is refused with the name that was meant", async () => {
  const result = await run("candles BTCUSD,ETHUSDT,DOGE,QQQQQQQQ 1h");
  expectExit(result, 64);
  expect(result.stderr.split("\n").filter((line) => line.startsWith("  - "))).toEqual([
    "  - nothing is stored of BTCUSD; did you mean BTCUSDT?",
    "  - nothing is stored of DOGE; did you mean DOGEUSDT?",
    "  - nothing is stored of QQQQQQQQ; sync or backfill it first",
  ]);
});

test("a table leaves out the last columns where they do not fit, and says which and how to get them", async () => {
  await makeSeries(database.url, [
    { symbol: "1000000MOGUSDTLONGNAME", interval: "1h", from: JAN, to: JAN + DAY },
  ]);
  const result = await run("candles 1000000MOGUSDTLONGNAME,BTCUSDT 1h --from 20260101-20260102");
  expectExit(result, 0);
  expect(linesOf(result)[0]).toMatch(/^symbol +interval +timestamp +open +high +low$/);
  for (const line of linesOf(result)) expect(line.length).toBeLessThanOrEqual(80);
  expect(JSON.parse(result.stderr).message).toBe(
    "left out, since 80 characters do not hold them: close, volume; --wide prints all columns",
  );
  const wide = await run("candles ETHUSDT 1h --last 1 --wide");
  expect(linesOf(wide)[0]).toContain("source");
});
