import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { describe, expect, test } from "vitest";
import type { SimulatedExchange } from "../../dev/exchange/exchange.ts";
import { listCandles } from "../../dev/exchange/generator.ts";
import type { KlineRow } from "../../dev/exchange/kline-text.ts";
import { ask, klines, minute, noon, start } from "../support/exchange/simulated.ts";

const rowsOf = async (exchange: SimulatedExchange, query: string): Promise<KlineRow[]> =>
  (await (await ask(exchange, klines(query))).json()) as KlineRow[];
const btc = (exchange: SimulatedExchange) => {
  const [entry] = exchange.market;
  if (!entry) throw new Error("the market is empty");
  return entry;
};

describe("endpoints", () => {
  test("ping, time and the headers of every answer", async () => {
    const exchange = await start();
    expect(await (await ask(exchange, "/api/v3/ping")).json()).toEqual({});
    const answer = await ask(exchange, "/api/v3/time");
    expect(await answer.json()).toEqual({ serverTime: noon });
    expect(answer.headers.get("date")).toBe("Thu, 01 Aug 2024 12:00:30 GMT");
    expect(answer.headers.get("x-mbx-used-weight-1m")).toBe("2");
    expect(answer.headers.get("x-r3a-simulated")).toBe("1");
    expect((await ask(exchange, "/api/v3/nothing")).status).toBe(404);
  });

  test("exchangeInfo filters by symbol, status and permission", async () => {
    const exchange = await start();
    type Info = {
      symbols: { symbol: string; status: string; permissionSets: string[][] }[];
      rateLimits: unknown[];
    };
    const info = async (query: string): Promise<Info> =>
      (await (await ask(exchange, `/api/v3/exchangeInfo?${query}`)).json()) as Info;
    expect((await info("")).symbols).toHaveLength(68);
    expect((await info("")).rateLimits).toContainEqual({
      rateLimitType: "REQUEST_WEIGHT",
      interval: "MINUTE",
      intervalNum: 1,
      limit: 6000,
    });
    expect((await info('symbols=["ETHBTC","GONEUSDT"]')).symbols.map((entry) => entry.status)).toEqual([
      "TRADING",
      "BREAK",
    ]);
    expect((await info("permissions=LEVERAGED")).symbols.map((entry) => entry.symbol)).toEqual([
      "BTCUPUSDT",
      "BTCDOWNUSDT",
    ]);
    expect(
      (await info("symbolStatus=BREAK&showPermissionSets=false")).symbols.map(
        (entry) => entry.permissionSets,
      ),
    ).toEqual([[], [], []]);
    exchange.set({ clock: { fixedMs: Date.parse("2024-03-01") } });
    expect((await ask(exchange, "/api/v3/exchangeInfo?symbol=LATEUSDT")).status).toBe(400);
    expect((await info("symbol=GONEUSDT")).symbols[0]?.status).toBe("TRADING");
  });

  test("24h turnover falls with the rank and stays put", async () => {
    const exchange = await start();
    const tickers = (await (await ask(exchange, "/api/v3/ticker/24hr")).json()) as {
      symbol: string;
      quoteVolume: string;
    }[];
    const volumes = tickers.slice(0, 60).map((ticker) => Number(ticker.quoteVolume));
    expect(volumes).toEqual(volumes.toSorted((left, right) => right - left));
    expect(new Set(volumes).size).toBe(60);
    const mini = (await (
      await ask(exchange, "/api/v3/ticker/24hr?symbol=USDCUSDT&type=MINI")
    ).json()) as object;
    expect(Object.keys(mini)).toEqual([
      "symbol",
      "openPrice",
      "highPrice",
      "lowPrice",
      "lastPrice",
      "volume",
      "quoteVolume",
      "openTime",
      "closeTime",
      "firstId",
      "lastId",
      "count",
    ]);
  });

  test("klines: bounds are inclusive, limits hold, the running candle is last", async () => {
    const exchange = await start();
    const now = Math.floor(noon / minute) * minute;
    const newest = await rowsOf(exchange, "");
    expect(newest).toHaveLength(500);
    expect(newest.at(-1)?.[6]).toBe(now + minute - 1);
    expect(newest).toEqual(listCandles(btc(exchange), "1m", { from: now - 499 * minute, to: now + 1 }, noon));
    expect(await rowsOf(exchange, `startTime=0&limit=2000`)).toHaveLength(1000);
    expect((await rowsOf(exchange, "startTime=0&limit=1"))[0]?.[0]).toBe(Date.parse("2017-08-17T04:00Z"));
    const span = await rowsOf(exchange, `startTime=${now - 2 * minute}&endTime=${now - minute}`);
    expect(span.map((row) => row[0])).toEqual([now - 2 * minute, now - minute]);
    expect(await rowsOf(exchange, `startTime=${now - 2 * minute + 1}&endTime=${now - minute - 1}`)).toEqual(
      [],
    );
    expect(await rowsOf(exchange, `startTime=${noon + minute}`)).toEqual([]);
    expect((await rowsOf(exchange, `endTime=${now - minute}&limit=2`)).at(-1)?.[0]).toBe(now - minute);
    exchange.set({ clock: { fixedMs: noon + minute } });
    const closed = (await rowsOf(exchange, `startTime=${now}&limit=1`))[0];
    expect(Number(closed?.[5])).toBeGreaterThan(Number(newest.at(-1)?.[5]));
    expect(closed?.[1]).toBe(newest.at(-1)?.[1]);
  });

  test.each([
    ["symbol=NOPE&interval=1m", -1121],
    ["symbol=BTCUSDT&interval=1M", -1120],
    ["interval=1m", -1102],
    ["symbol=BTC/USDT&interval=1m", -1100],
    ["symbol=BTCUSDT&interval=1m&startTime=x", -1100],
    ["symbol=BTCUSDT&interval=1m&since=1", -1104],
  ])("klines?%s is error %i", async (query, code) => {
    const answer = await ask(await start(), `/api/v3/klines?${query}`);
    expect([answer.status, ((await answer.json()) as { code: number }).code]).toEqual([400, code]);
  });
});

describe("weight", () => {
  test("429 at 6,001, a ban after more of them, a new minute", async () => {
    const exchange = await start({ banAfter429: 2, banMs: 120_000 });
    const used = async (path: string): Promise<string | null> =>
      (await ask(exchange, path)).headers.get("x-mbx-used-weight-1m");
    for (const weight of [20, 40, 42, 122]) {
      const paths = {
        20: "exchangeInfo",
        40: "exchangeInfo",
        42: "ticker/24hr?symbol=BTCUSDT",
        122: "ticker/24hr",
      };
      expect(await used(`/api/v3/${paths[weight as 20]}`)).toBe(String(weight));
    }
    expect(await used('/api/v3/ticker/24hr?symbols=["BTCUSDT","ETHUSDT"]')).toBe("162");
    for (let sum = 162; sum < 6000; sum += 2) await (await ask(exchange, klines("limit=1"))).arrayBuffer();
    const over = await ask(exchange, "/api/v3/ping");
    expect([over.status, over.headers.get("retry-after")]).toEqual([429, "30"]);
    expect(await over.json()).toMatchObject({
      code: -1003,
      msg: expect.stringContaining("current limit is 6000"),
    });
    expect((await ask(exchange, "/api/v3/ping")).status).toBe(429);
    const banned = await ask(exchange, "/api/v3/ping");
    expect([banned.status, banned.headers.get("retry-after")]).toEqual([418, "120"]);
    expect(await banned.text()).toContain(`IP banned until ${noon + 120_000}.`);
    exchange.set({ clock: { fixedMs: noon + minute } });
    expect((await ask(exchange, "/api/v3/ping")).status).toBe(418);
    exchange.set({ clock: { fixedMs: noon + 120_000 } });
    expect(await used("/api/v3/ping")).toBe("1");
  }, 60_000);
});

test("control over HTTP is free, merges settings, names what is wrong and lists requests", async () => {
  const exchange = await start();
  const post = (body: unknown): Promise<Response> =>
    fetch(`${exchange.url}/control`, { method: "POST", body: JSON.stringify(body) });
  expect(
    await (await post({ weightLimit: "none", faults: [{ kind: "500", times: 2 }] })).json(),
  ).toMatchObject({ weightLimit: null, usedWeight: 0, faults: [{ kind: "500", left: 2 }] });
  expect((await post({ latency: 1 })).status).toBe(400);
  expect(await (await post({ faults: [{ kind: "odd" }] })).text()).toMatch(
    /expected one of .*at faults\[0\]\.kind/,
  );
  expect((await ask(exchange, klines("limit=1"))).status).toBe(500);
  expect(await (await fetch(`${exchange.url}/control/faults`, { method: "DELETE" })).json()).toMatchObject({
    faults: [],
  });
  await rowsOf(exchange, "limit=1");
  expect(await (await ask(exchange, "/control/requests?since=1")).json()).toEqual([
    {
      index: 1,
      at: noon,
      path: "/api/v3/klines",
      query: "symbol=BTCUSDT&interval=1m&limit=1",
      status: 200,
      weight: 2,
    },
  ]);
  exchange.set({ latencyMs: 100 });
  const before = performance.now();
  await ask(exchange, "/api/v3/ping");
  expect(performance.now() - before).toBeGreaterThan(95);
});

test("stop cuts every socket; listen takes the same port again", async () => {
  const exchange = await start({ faults: [{ kind: "stall-headers", times: 1 }] });
  const stalled = expect(ask(exchange, "/api/v3/ping")).rejects.toThrow("fetch failed");
  while (exchange.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await exchange.stop();
  await stalled;
  await expect(ask(exchange, "/api/v3/ping")).rejects.toThrow("fetch failed");
  await exchange.listen();
  expect((await ask(exchange, "/api/v3/ping")).status).toBe(200);
});

test("the program prints its address, takes its flags and ends cleanly", async () => {
  const flags = [
    "--port",
    "0",
    "--symbols",
    "3",
    "--weight-limit",
    "none",
    "--fault",
    "500:symbol=ETHUSDT,times=1",
  ];
  const child = spawn(process.execPath, ["dev/exchange/main.ts", ...flags], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  const url = line.split(" ").at(-1);
  expect((await fetch(`${url}/api/v3/klines?symbol=ETHUSDT&interval=1d`)).status).toBe(500);
  const info = (await (await fetch(`${url}/api/v3/exchangeInfo`)).json()) as { symbols: unknown[] };
  expect(info.symbols).toHaveLength(11);
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
});
