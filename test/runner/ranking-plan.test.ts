import { describe, expect, test } from "vitest";
import { nearestName, nearestSymbol } from "../../runner/src/candle/nearest-name.ts";
import {
  listCandidates,
  type RankingFacts,
  refuseLeavers,
  refuseLists,
} from "../../runner/src/sync/ranking-plan.ts";
import { DAY, HOUR } from "../support/candle/arbitraries.ts";

const names = Array.from({ length: 20 }, (_, index) => `C${index}USDT`);
const list = (symbols: readonly string[]) =>
  symbols.map((symbol) => ({ symbol, base: symbol.slice(0, -4), quote: "USDT" }));
const volumes = (symbols: readonly string[], volume = "5") =>
  new Map(symbols.map((symbol) => [symbol, volume]));
const facts = (more: Partial<RankingFacts> = {}): RankingFacts => ({
  listed: list(names),
  volumeOf: volumes(names),
  known: names.map((symbol) => ({ symbol, quoteVolume: "5" })),
  size: 10,
  ageMs: 2 * HOUR,
  ...more,
});

describe("lists are refused as a whole", () => {
  test.each<[string, Partial<RankingFacts>]>([
    ["without any symbol", { listed: [] }],
    ["without any symbol, at the first time", { listed: [], known: [], ageMs: null }],
    ["that lose most of what traded", { listed: list(names.slice(0, 9)) }],
    ["without volumes", { volumeOf: new Map() }],
    ["with volumes of other symbols", { volumeOf: volumes(["X1USDT", "X2USDT"]) }],
    ["with volumes of 0", { volumeOf: volumes(names, "0.00") }],
    ["with volumes of less than half", { volumeOf: volumes(names.slice(0, 9)) }],
    ["without volumes, at the first time", { volumeOf: new Map(), known: [], ageMs: null }],
    [
      "with fewer volumes than wanted, at the first time",
      { volumeOf: volumes(names.slice(0, 9)), known: [], ageMs: null },
    ],
    [
      "with one volume of many where one is wanted",
      { volumeOf: volumes(names.slice(0, 1)), known: [], size: 1, ageMs: null },
    ],
    [
      "without USDT symbols, at the first time",
      { listed: [{ symbol: "ETHBTC", base: "ETH", quote: "BTC" }], known: [], ageMs: null },
    ],
  ])("%s", (_, more) => {
    expect(refuseLists(facts(more))).toMatch(/\w/);
  });

  test.each<[string, Partial<RankingFacts>]>([
    ["as they always are", {}],
    ["at the first time", { known: [], ageMs: null }],
    [
      "of a small mirror, at the first time",
      { listed: list(names.slice(0, 3)), known: [], size: 60, ageMs: null },
    ],
    ["that lose a few", { listed: list(names.slice(3)) }],
    ["where a known volume is missing", { volumeOf: volumes(names.slice(1)) }],
    [
      "with one of two known symbols, since coins end",
      { listed: list(names.slice(0, 1)), known: facts().known.slice(0, 2) },
    ],
    ["that lose most after months without a ranking", { listed: list(names.slice(0, 5)), ageMs: 31 * DAY }],
  ])("but not %s", (_, more) => {
    expect(refuseLists(facts(more))).toBeNull();
  });
});

test("a volume that did not come is the last known one, and what never had one is not ranked", () => {
  const candidates = listCandidates({
    listed: list(["AUSDT", "BUSDT", "CUSDT", "DUSDT"]),
    volumeOf: new Map([
      ["AUSDT", "7"],
      ["DUSDT", "0"],
    ]),
    known: [
      { symbol: "BUSDT", quoteVolume: "3" },
      { symbol: "DUSDT", quoteVolume: "9" },
    ],
  });
  expect(candidates.map(({ symbol, quoteVolume }) => [symbol, quoteVolume])).toEqual([
    ["AUSDT", "7"],
    ["BUSDT", "3"],
  ]);
});

describe("a ranking in which most members would be behind at once", () => {
  test("is refused, where there are enough to tell", () => {
    expect(
      refuseLeavers({ size: 6, ranking: names.slice(12), members: names.slice(0, 6), ageMs: HOUR }),
    ).toMatch("6 of 6 members");
    expect(
      refuseLeavers({
        size: 6,
        ranking: [...names.slice(0, 2), ...names.slice(8)],
        members: names.slice(0, 6),
        ageMs: HOUR,
      }),
    ).toMatch("4 of 6");
    expect(refuseLeavers({ size: 6, ranking: names, members: names.slice(0, 6), ageMs: HOUR })).toBeNull();
    expect(
      refuseLeavers({ size: 1, ranking: names.slice(3), members: names.slice(0, 1), ageMs: HOUR }),
    ).toBeNull();
  });

  test("is taken after months without one", () => {
    expect(
      refuseLeavers({ size: 6, ranking: names.slice(12), members: names.slice(0, 6), ageMs: 31 * DAY }),
    ).toBeNull();
  });
});

describe("the nearest symbol", () => {
  const known = [
    "BTCUSDT",
    "ETHUSDT",
    "BTCUSDC",
    "BNBUSDT",
    "SOLUSDT",
    "OPUSDT",
    "XRPUSDT",
    "1000PEPEUSDT",
    "币安人生USDT",
  ];
  test.each([
    ["BTCUSD", "BTCUSDT"],
    ["BTCUSTD", "BTCUSDT"],
    ["BTXUSDT", "BTCUSDT"],
    ["TBCUSDT", "BTCUSDT"],
    ["ETHHUSDT", "ETHUSDT"],
    ["1000PPEEUSDT", "1000PEPEUSDT"],
    ["1000PEEUSD", "1000PEPEUSDT"],
    ["币安人USDT", "币安人生USDT"],
    ["OPUSD", "OPUSDT"],
    ["BTCEUR", undefined],
    ["FOOUSDT", undefined],
    ["XXXUSDT", undefined],
    ["XUSDT", undefined],
    ["SOUSD", undefined],
    ["NOSUCHCOIN", undefined],
    ["", undefined],
  ])("to %s is %s", (typed, near) => {
    expect(nearestSymbol(typed, known)).toBe(near);
  });

  test("is never the name itself, which the exchange has just refused", () => {
    expect(nearestSymbol("ETHUSDT", ["ETHUSDT"])).toBeUndefined();
  });
});

test.each([
  ["opne", "open"],
  ["colse_time", "close_time"],
  ["price", undefined],
  ["lo", "low"],
  ["pig", undefined],
])("the nearest column to %s is %s", (typed, near) => {
  expect(nearestName(typed, ["open", "high", "low", "close", "close_time"])).toBe(near);
});
