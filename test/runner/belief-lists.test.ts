import { describe, expect, test } from "vitest";
import { believeListings, believeVolumes } from "../../runner/src/exchange/belief/lists.ts";

const entry = (symbol: unknown, more: Readonly<Record<string, unknown>> = {}) => ({
  symbol,
  baseAsset: "BTC",
  quoteAsset: "USDT",
  status: "TRADING",
  ...more,
});
const good = entry("BTCUSDT");
const namesOf = (entries: readonly { readonly symbol: string }[]) => entries.map(({ symbol }) => symbol);

describe("believeListings", () => {
  const listed = (...entries: readonly unknown[]) => believeListings({ symbols: entries });

  test.each(["BTCUSDT", "1INCHUSDT", "1000SATSUSDT", "币安人生USDT", "4USDT", "İSTUSDT"])(
    "takes %s",
    (symbol) => {
      expect(namesOf(listed(entry(symbol)).entries)).toEqual([symbol]);
    },
  );

  test.each<[string, unknown]>([
    ["a name in lower case, which every command would raise", entry("aaveUSDT")],
    ["a name with an underscore, which every command would take away", entry("FOO_BARUSDT")],
    ["a name with a dash", entry("A-BUSDT")],
    ["SQL", entry("BTC'; drop table r3a.coin; --USDT")],
    ["a second parameter", entry("A&symbol=ETHUSDT")],
    ["an escape sequence of a terminal", entry("\u001b[31mUSDT")],
    ["text that runs from right to left", entry("\u202eBTCUSDT")],
    ["a second line", entry("BTC\nUSDT")],
    ["a NUL", entry("BTC\0USDT")],
    ["half a pair", entry("BTC\ud83dUSDT")],
    ["300 letters", entry("A".repeat(300))],
    ["an empty name", entry("")],
    ["a name of one letter", entry("A")],
    ["a name that is a number", entry(4)],
    ["no name", {}],
    ["null", null],
    ["text", "BTCUSDT"],
    ["a list", ["BTCUSDT", "BTC", "USDT", "TRADING"]],
    ["a status that is a number", entry("ETHUSDT", { status: 1 })],
    ["a status that is an object", entry("ETHUSDT", { status: { toString: 1 } })],
    ["no status", entry("ETHUSDT", { status: undefined })],
    ["an empty status", entry("ETHUSDT", { status: "" })],
    ["a long status", entry("ETHUSDT", { status: "X".repeat(41) })],
    ["a status with a blank", entry("ETHUSDT", { status: "TRA DING" })],
    ["a base that is too long", entry("ETHUSDT", { baseAsset: "E".repeat(31) })],
    ["an empty quote", entry("ETHUSDT", { quoteAsset: "" })],
    ["a base with a NUL", entry("ETHUSDT", { baseAsset: "E\0H" })],
    ["a quote that is null", entry("ETHUSDT", { quoteAsset: null })],
    ["a second entry of a name", entry("BTCUSDT", { status: "BREAK" })],
  ])("leaves out %s, and fails nobody else", (_, bad) => {
    const { entries, leftOut, examples } = listed(good, bad, entry("SOLUSDT"));
    expect(namesOf(entries)).toEqual(["BTCUSDT", "SOLUSDT"]);
    expect(entries[0]?.status).toBe("TRADING");
    expect(leftOut).toBe(1);
    expect(examples).toHaveLength(1);
    expect(examples[0]).toMatch(/^[^\p{C}]{1,41}$/u);
  });

  test.each(["CANCEL_ONLY", "BREAK", "HALT", "END_OF_DAY", "PRE_TRADING", "trading"])(
    "keeps the status %s as text",
    (status) => {
      expect(listed(entry("BTCUSDT", { status })).entries).toMatchObject([{ symbol: "BTCUSDT", status }]);
    },
  );

  test.each<[unknown]>([[null], [[]], [{}], [{ symbols: null }], [{ symbols: {} }], ["<html>"], [undefined]])(
    "takes %j, which has no list, for garbage",
    (answer) => {
      expect(() => believeListings(answer)).toThrow(/has no list of symbols/);
    },
  );

  test("takes more than 10,000 entries for garbage, and shows three examples at most", () => {
    const many = (count: number) => Array.from({ length: count }, (_, index) => entry(`C${index}USDT`));
    expect(believeListings({ symbols: many(10_000) }).entries).toHaveLength(10_000);
    expect(() => believeListings({ symbols: many(10_001) })).toThrow("has 10001 entries, more than 10000");
    expect(listed(...Array.from({ length: 9 }, () => entry("a-b"))).examples).toHaveLength(3);
  });
});

describe("believeVolumes", () => {
  test.each<[unknown, string]>([
    ["0", "0"],
    ["1234.5678", "1234.5678"],
    [12.5, "12.5"],
    [0, "0"],
  ])("takes %j", (quoteVolume, text) => {
    expect(believeVolumes([{ symbol: "BTCUSDT", quoteVolume }]).entries).toEqual([
      { symbol: "BTCUSDT", quoteVolume: text },
    ]);
  });

  test.each<[unknown]>([
    [""],
    ["abc"],
    [null],
    [undefined],
    ["-1"],
    [-1],
    ["NaN"],
    [Number.NaN],
    ["1e5"],
    [1e300],
    ["Infinity"],
    [" 1"],
    ["1\n"],
    ["1".repeat(31)],
    [["1"]],
    [{}],
    [true],
  ])("leaves out the volume %j", (quoteVolume) => {
    const { entries, leftOut } = believeVolumes([
      { symbol: "BTCUSDT", quoteVolume },
      { symbol: "ETHUSDT", quoteVolume: "1" },
    ]);
    expect([namesOf(entries), leftOut]).toEqual([["ETHUSDT"], 1]);
  });

  test("takes no list for garbage", () => {
    expect(() => believeVolumes({ symbols: [] })).toThrow("/api/v3/ticker/24hr is not a list");
  });
});
