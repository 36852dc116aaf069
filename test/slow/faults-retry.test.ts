import { afterEach, expect, test } from "vitest";
import type { FaultKind, FaultRule } from "../../dev/exchange/faults.ts";
import { expectExit, expectWhole, HOUR, iso } from "../support/candle/series.ts";
import { expectInvariant, useWorld } from "../support/world.ts";

/** Faults that pass: one bad answer, then good ones. Each test takes a symbol and a budget of its own. */
const NOW = Date.parse("2024-05-10T12:00:30Z");
const SINCE = NOW - 30_000 - 2 * HOUR;
const world = useWorld({ clock: { fixedMs: NOW } });

afterEach(() => {
  world.exchange.clearFaults();
  world.exchange.resetWeight();
});

/** The rule for the series' page and not for the question when the symbol was listed. */
const pageRule = (kind: FaultKind, symbol: string, more: Partial<FaultRule> = {}): FaultRule => ({
  kind,
  symbol,
  path: "/api/v3/klines",
  from: SINCE,
  to: NOW,
  ...more,
});

const sync = (symbol: string, args = "", more: Readonly<Record<string, string>> = {}) =>
  world.run(`sync 1m --symbols ${symbol}${args}`, {
    FALLBACK_START: iso(SINCE),
    EGRESS_KEY: symbol,
    ...more,
  });

const pagesAsked = (symbol: string) =>
  world.exchange.requests.filter(
    ({ query }) => query.includes(`symbol=${symbol}&`) && query.includes(`startTime=${SINCE}`),
  );

test.each([
  ["500", "BTCUSDT"],
  ["502", "ETHUSDT"],
  ["503", "BNBUSDT"],
  ["504", "SOLUSDT"],
  ["garbage", "XRPUSDT"],
  ["bad-json", "DOGEUSDT"],
  ["cut-body", "ADAUSDT"],
  ["refuse", "TRXUSDT"],
] as const)("one answer that is %s is asked for again and leaves no trace", async (kind, symbol) => {
  world.exchange.addFault(pageRule(kind, symbol, { times: 1 }));
  expectExit(await sync(symbol), 0);
  expect(pagesAsked(symbol)).toHaveLength(2);
  await expectWhole(world, symbol, "1m", SINCE);
  await expectInvariant(world);
});

test.each([
  ["stall-headers", "AVAXUSDT"],
  ["stall-body", "LINKUSDT"],
] as const)("a request whose answer has %s is ended by R3A and sent again", async (kind, symbol) => {
  world.exchange.addFault(pageRule(kind, symbol, { times: 1 }));
  expectExit(await sync(symbol, " --deadline 12"), 0);
  expect(pagesAsked(symbol)).toHaveLength(2);
  await expectWhole(world, symbol, "1m", SINCE);
  await expectInvariant(world);
});

test("a 429 holds every process for its Retry-After, is counted, and is then asked for again", async () => {
  world.exchange.addFault(pageRule("429", "DOTUSDT", { times: 1, retryAfterS: 2 }));
  expectExit(await sync("DOTUSDT"), 0);
  const [first, second, ...more] = pagesAsked("DOTUSDT");
  expect([first?.status, second?.status, more]).toEqual([429, 200, []]);
  await expectWhole(world, "DOTUSDT", "1m", SINCE);
  await expectInvariant(world);
  const runs = await world.database.query(
    "select rate_limit_hits, outcome from r3a.run where rate_limit_hits > 0",
  );
  expect(runs).toEqual([{ rate_limit_hits: 1, outcome: "success" }]);
  const held = await world.database.query(
    `select extract(epoch from b.hold_until - r.started_at)::float8 as s
     from r3a.api_budget b cross join r3a.run r where egress_key = 'DOTUSDT' and r.rate_limit_hits = 1`,
  );
  expect(held[0]?.s).toBeGreaterThanOrEqual(2);
});
