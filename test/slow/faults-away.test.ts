import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { FaultKind } from "../../dev/exchange/faults.ts";
import {
  coveredOf,
  expectExit,
  expectOnlyTruth,
  expectWhole,
  gapsOf,
  HOUR,
  iso,
  MINUTE,
  outputOf,
} from "../support/candle/series.ts";
import { expectInvariant, useWorld } from "../support/world.ts";

/** Faults that stay for the whole run: what was there before stays, what is missing is a gap that says why. */
const FIRST = Date.parse("2024-05-10T12:00:30Z");
/** Less than an hour later: from then on a run asks for the first candle too, and two hung requests outlast a deadline. */
const SECOND = FIRST + 50 * MINUTE;
const SINCE = FIRST - 30_000 - 2 * HOUR;
const [FIRST_END, SECOND_END] = [FIRST - 30_000, SECOND - 30_000];
const world = useWorld({ clock: { fixedMs: FIRST } });

const CASES: readonly (readonly [FaultKind, symbol: string, code: number, reason: RegExp])[] = [
  ["429", "BTCUSDT", 75, /^too many requests: HTTP 429/],
  ["500", "ETHUSDT", 75, /^the exchange is not available: HTTP 500/],
  ["503", "SOLUSDT", 75, /^the exchange is not available: HTTP 503/],
  ["refuse", "DOGEUSDT", 75, /^the exchange cannot be reached/],
  ["stall-headers", "PEPEUSDT", 75, /^no complete answer within/],
  ["stall-body", "ADAUSDT", 75, /^no complete answer within/],
  ["garbage", "TRXUSDT", 1, /not a list of candles/],
  ["bad-json", "AVAXUSDT", 1, /not a list of candles|not JSON/],
  ["cut-body", "LINKUSDT", 1, /^the answer was cut short/],
];

const sync = (symbols: string, egressKey: string, args = "") =>
  world.run(`sync 1m --symbols ${symbols}${args}`, { FALLBACK_START: iso(SINCE), EGRESS_KEY: egressKey });

/** Later than every failed try, so that what failed is due. */
const healExchange = () => {
  world.exchange.clearFaults();
  world.exchange.set({ clock: { fixedMs: SECOND + 60_000 } });
};

beforeAll(async () => {
  expectExit(await sync(CASES.map(([, symbol]) => symbol).join(), "first"), 0);
});

beforeEach(() => world.exchange.set({ clock: { fixedMs: SECOND } }));
afterEach(() => {
  world.exchange.clearFaults();
  world.exchange.resetWeight();
});

test.each(CASES)(
  "an exchange that keeps answering %s leaves a gap that says so",
  async (kind, symbol, code, reason) => {
    world.exchange.addFault({ kind, symbol, path: "/api/v3/klines", retryAfterS: 1 });
    const run = await sync(symbol, symbol, kind.startsWith("stall") ? " --deadline 30" : "");
    expectExit(run, code);
    const gaps = await gapsOf(world, symbol, "1m");
    expect(gaps).toMatchObject([
      { from: FIRST_END, to: SECOND_END, state: "open", reason: "failed", attempts: 0 },
    ]);
    expect(gaps[0]?.evidence.error).toMatch(reason);
    expect(gaps[0]?.nextCheckAt).toBeLessThanOrEqual(SECOND + HOUR);
    expect(outputOf(run)).toMatch(new RegExp(reason.source.replace("^", "")));
    await expectOnlyTruth(world, symbol, "1m", [SINCE, SECOND_END]);
    await expectInvariant(world);
  },
);

test("the next run repairs all that failed", async () => {
  healExchange();
  expectExit(await sync(CASES.map(([, symbol]) => symbol).join(), "repair"), 0);
  for (const [, symbol] of CASES) await expectWhole(world, symbol, "1m", SINCE);
  await expectInvariant(world);
});

test.each([
  ["503", "SHIBUSDT", 75],
  ["garbage", "DOTUSDT", 1],
] as const)(
  "a new series of an exchange that keeps answering %s covers nothing",
  async (kind, symbol, code) => {
    world.exchange.addFault({ kind, symbol, path: "/api/v3/klines" });
    expectExit(await sync(symbol, symbol), code);
    expect(await coveredOf(world, symbol, "1m")).toBeNull();
    expect(await world.stored(symbol, "1m")).toEqual([]);

    healExchange();
    expectExit(await sync(symbol, symbol), 0);
    await expectWhole(world, symbol, "1m", SINCE);
  },
);

test("a failed page in the middle is a gap, the pages around it are stored, and the next run repairs it", async () => {
  const since = SECOND_END - 3000 * 60_000;
  const middle = { from: since + 1_000 * 60_000, to: since + 2_000 * 60_000 };
  world.exchange.addFault({ kind: "502", symbol: "LTCUSDT", path: "/api/v3/klines", ...middle });
  const more = { FALLBACK_START: iso(since), EGRESS_KEY: "LTCUSDT" };
  expectExit(await world.run("sync 1m --symbols LTCUSDT", more), 1);
  expect(await gapsOf(world, "LTCUSDT", "1m")).toMatchObject([
    { ...middle, state: "open", reason: "failed" },
  ]);
  expect(await coveredOf(world, "LTCUSDT", "1m")).toEqual([since, SECOND_END]);
  await expectOnlyTruth(world, "LTCUSDT", "1m", [since, SECOND_END]);
  await expectInvariant(world);

  healExchange();
  expectExit(await world.run("gaps --repair --symbols LTCUSDT", more), 0);
  expect(await gapsOf(world, "LTCUSDT", "1m")).toEqual([]);
  await expectOnlyTruth(world, "LTCUSDT", "1m", [since, SECOND_END]);
  await expectInvariant(world);
});

test("an outage that many runs meet is one gap, and one run repairs it", async () => {
  const ends = [0, 3, 10].map((minutes) => SECOND + minutes * 60_000);
  expectExit(await sync("FILUSDT", "FILUSDT"), 0);
  world.exchange.addFault({ kind: "garbage", symbol: "FILUSDT", path: "/api/v3/klines" });
  for (const end of ends.map((ms) => ms + HOUR)) {
    world.exchange.set({ clock: { fixedMs: end } });
    expectExit(await sync("FILUSDT", "FILUSDT"), 1);
    expect(await gapsOf(world, "FILUSDT", "1m")).toMatchObject([
      { from: SECOND_END, to: end - 30_000, state: "open", reason: "failed" },
    ]);
    await expectInvariant(world);
  }
  world.exchange.clearFaults();
  world.exchange.set({ clock: { fixedMs: SECOND + HOUR + 11 * 60_000 } });
  expectExit(await sync("FILUSDT", "FILUSDT"), 0);
  await expectWhole(world, "FILUSDT", "1m", SINCE);
  await expectInvariant(world);
});

test("one series that fails does not keep the others from being stored", async () => {
  world.exchange.addFault({ kind: "503", symbol: "NEARUSDT", path: "/api/v3/klines" });
  expectExit(await sync("BCHUSDT,NEARUSDT,UNIUSDT", "others"), 1);
  await expectWhole(world, "BCHUSDT", "1m", SINCE);
  await expectWhole(world, "UNIUSDT", "1m", SINCE);
  expect(await coveredOf(world, "NEARUSDT", "1m")).toBeNull();
  const items = await world.database.query(
    `select symbol, outcome from r3a.run_item i join r3a.coin c on c.id = i.coin_id
     where symbol in ('BCHUSDT', 'NEARUSDT', 'UNIUSDT') order by symbol`,
  );
  expect(items).toEqual([
    { symbol: "BCHUSDT", outcome: "success" },
    { symbol: "NEARUSDT", outcome: "failure" },
    { symbol: "UNIUSDT", outcome: "success" },
  ]);
});

test("nobody listens at EXCHANGE_URL: exit 75 and nothing is written", async () => {
  await world.exchange.stop();
  try {
    const run = await sync("ATOMUSDT", "ATOMUSDT");
    expectExit(run, 75);
    expect(outputOf(run)).toContain("the exchange cannot be reached");
  } finally {
    await world.exchange.listen();
  }
  expect(await coveredOf(world, "ATOMUSDT", "1m")).toBeNull();
  expectExit(await sync("ATOMUSDT", "ATOMUSDT"), 0);
  await expectWhole(world, "ATOMUSDT", "1m", SINCE);
});
