import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Candle, isMisaligned, isRejected, parseCandle } from "../../runner/src/candle/candle.ts";
import { isSymbol, parseSymbol } from "../../runner/src/contract/symbol.ts";
import { anyInterval, anyTime, DAY, HOUR, rowAt } from "../support/candle/arbitraries.ts";

const NOW = Date.parse("2024-08-01T12:00:30Z");
const OPEN = Date.parse("2024-08-01T10:00:00Z");
const parse = (changed: Readonly<Record<number, unknown>> = {}) =>
  parseCandle(rowAt("1h", OPEN, changed), NOW);
const reasonOf = (parsed: ReturnType<typeof parseCandle>) =>
  isRejected(parsed) ? parsed.reason : "accepted";

describe("accepts", () => {
  test("a row as sent, with every digit of its text", () => {
    expect(parse({ 1: "10.50000000", 5: "0.00" })).toEqual({
      openTime: OPEN,
      open: "10.50000000",
      high: "12.25",
      low: "9.75",
      close: "11",
      volume: "0.00",
      closeTime: OPEN + HOUR - 1,
      quoteVolume: "37.1",
      trades: 42,
      takerBase: "1.5",
      takerQuote: "16.2",
    } satisfies Candle);
  });

  test.each([
    ["a price of 1e-8", { 1: "0.00000001", 2: "0.00000002", 3: "0.00000001", 4: "0.00000002" }],
    ["a volume of 1e13 and 8 decimals", { 5: "10000000000000.12345678", 7: "99999999999999.99999999" }],
    [
      "more digits than a float holds",
      { 2: "12345678901234567.12345678", 7: "123456789012345678901234567890.5" },
    ],
    ["a candle without a trade", { 1: "5", 2: "5", 3: "5", 4: "5", 5: "0", 7: "0", 8: 0, 9: "0", 10: "0" }],
    ["a row of eleven fields", { 11: undefined }],
    ["a zero-length candle of a halt", { 6: OPEN }],
  ])("%s", (_, changed) => {
    expect(reasonOf(parse(changed))).toBe("accepted");
  });

  test("the misaligned candle of 2018 at its own time", () => {
    const parsed = parseCandle(rowAt("1m", 1518168494789), NOW);
    expect(parsed).toMatchObject({ openTime: 1518168494789 });
    expect(isMisaligned("1m", 1518168494789)).toBe(true);
    expect(isMisaligned("1m", OPEN)).toBe(false);
  });

  test("the running candle, which closes ahead, up to the moment it opens", () => {
    expect(reasonOf(parseCandle(rowAt("1d", NOW - (NOW % DAY)), NOW))).toBe("accepted");
    expect(reasonOf(parseCandle(rowAt("1d", NOW - (NOW % DAY)), NOW - (NOW % DAY)))).toBe("accepted");
  });
});

describe("rejects", () => {
  const price = "low <= open,close <= high does not hold";
  const time = "time outside 2017 .. now";
  test.each<[string, Readonly<Record<number, unknown>>, string]>([
    ["a high below the low", { 2: "9", 3: "12" }, price],
    ["a low above the open", { 3: "10.6" }, price],
    ["a low above the close", { 3: "10.4", 4: "10" }, price],
    ["a high below the open", { 1: "12.26" }, price],
    ["a high below the close", { 4: "12.26" }, price],
    ["a negative volume", { 5: "-0.1" }, "negative volume"],
    ["a negative quote volume", { 7: "-1" }, "negative volume"],
    ["a negative taker volume", { 9: "-1" }, "negative taker volume"],
    ["a negative taker quote volume", { 10: "-1" }, "negative taker volume"],
    ["NaN as a price", { 1: Number.NaN }, "not a decimal: NaN"],
    ["the text NaN", { 4: "NaN" }, "not a decimal: NaN"],
    ["Infinity", { 2: "Infinity" }, "not a decimal: Infinity"],
    ["a price as number", { 1: 10.5 }, "not a decimal: 10.5"],
    ["an exponent", { 3: "1e-8" }, "not a decimal: 1e-8"],
    ["an empty price", { 1: "" }, "not a decimal: "],
    ["a missing price", { 1: null }, "not a decimal: null"],
    ["a price with blanks", { 1: " 10.5" }, "not a decimal:  10.5"],
    ["a comma", { 1: "10,5" }, "not a decimal: 10,5"],
    ["a second line", { 1: "10.5\n" }, "not a decimal: 10.5\ufffd"],
    ["a NUL, which no table can hold", { 1: "10\0" }, "not a decimal: 10\ufffd"],
    ["half a pair, which no table can hold", { 1: "1\ud83d" }, "not a decimal: 1\ufffd"],
    [
      "a pair that the cut would halve",
      { 1: `${"x".repeat(39)}\u{1f600}\u{1f600}` },
      `not a decimal: ${"x".repeat(39)}\u{1f600}`,
    ],
    ["an object that is no text", { 1: { toString: 1 } }, 'not a decimal: {"toString":1}'],
    ["a price of 0", { 3: "0.00" }, "a price is not above 0"],
    ["a price below 0", { 1: "-5", 2: "-1", 3: "-9", 4: "-2" }, "a price is not above 0"],
    ["a price of minus 0", { 3: "-0" }, "a price is not above 0"],
    ["text that would end an array literal", { 1: "1},{2" }, "not a decimal: 1},{2"],
    ["an open time in 2105", { 0: Date.UTC(2105, 0, 1) }, time],
    ["an open time of 1970 (seconds for milliseconds)", { 0: OPEN / 1000 }, time],
    ["an open time in microseconds", { 0: OPEN * 1000 }, time],
    ["an open time as text", { 0: String(OPEN) }, time],
    ["a fraction of a millisecond", { 0: OPEN + 0.5 }, time],
    ["NaN as open time", { 0: Number.NaN }, time],
    ["an open time that has not come", { 0: NOW + 1, 6: NOW + 2 }, time],
    ["an open time in 2016", { 0: Date.UTC(2016, 11, 31) }, time],
    ["a close time more than a day ahead", { 6: NOW + DAY + 1 }, time],
    ["an open time beyond what a float holds", { 0: 2 ** 60 }, time],
    ["a close time in 2105", { 6: Date.UTC(2105, 0, 1) }, time],
    ["a close before the open", { 6: OPEN - 1 }, "closes before it opens"],
    ["half a trade", { 8: 1.5 }, "trade count is not a natural number"],
    ["a negative trade count", { 8: -1 }, "trade count is not a natural number"],
    ["a trade count as text", { 8: "42" }, "trade count is not a natural number"],
  ])("%s", (_, changed, reason) => {
    expect(reasonOf(parse(changed))).toBe(reason);
  });

  test.each([[null], [undefined], ["<html>"], [{}], [[]], [[1, 2, 3]], [42]])(
    "%j, which is no row",
    (row) => {
      expect(reasonOf(parseCandle(row, NOW))).toBe("not a row of 12 fields");
    },
  );

  test("a row with its raw text as evidence, cut to 500 characters", () => {
    expect(parse({ 5: "-1" })).toMatchObject({ raw: JSON.stringify(rowAt("1h", OPEN, { 5: "-1" })) });
    const long = parse({ 5: "x".repeat(10_000) });
    expect(isRejected(long) && long.raw.length).toBe(500);
    expect(reasonOf(long)).toBe(`not a decimal: ${"x".repeat(40)}`);
  });
});

test("a row of a million nested lists or fields is broken as any other, with a short text", () => {
  const deep = JSON.parse(`${"[".repeat(100_000)}${"]".repeat(100_000)}`);
  const wide = Array.from({ length: 1_000_000 }, () => []);
  for (const row of [deep, wide, rowAt("1h", OPEN, { 1: deep }), rowAt("1h", OPEN, { 1: wide })]) {
    const parsed = parseCandle(row, NOW);
    expect(isRejected(parsed) && parsed.raw.length).toBeLessThanOrEqual(500);
    expect(reasonOf(parsed).length).toBeLessThan(70);
  }
});

test("whatever comes, the answer is a candle of the same row or a reason", () => {
  const value = fc.oneof(fc.constantFrom("1", "10.5", "-1", "NaN", OPEN, NOW, Number.NaN, 0), fc.anything());
  const changes = fc.dictionary(fc.nat({ max: 11 }).map(String), value, { maxKeys: 3 });
  const anyRow = changes.map((changed) => rowAt("1h", OPEN, changed));
  fc.assert(
    fc.property(fc.oneof(anyRow, fc.anything()), (row) => {
      const parsed = parseCandle(row, NOW);
      if (isRejected(parsed)) expect(parsed.reason).not.toBe("");
      else expect(Object.values(parsed)).toEqual(Array.isArray(row) ? row.slice(0, 11) : []);
    }),
  );
});

test("a sound row of any interval and day is accepted", () => {
  fc.assert(
    fc.property(anyInterval, anyTime, (interval, openTime) => {
      expect(reasonOf(parseCandle(rowAt(interval, openTime), openTime))).toBe("accepted");
    }),
  );
});

describe("a symbol", () => {
  test.each(["BTCUSDT", "btc/usdt", "BTC-USDT", "btc_usdt", " Btc/Usdt "])("%j is BTCUSDT", (text) => {
    expect(parseSymbol(text)).toBe("BTCUSDT");
  });

  test.each(["BTCUSDT", "1000SATSUSDT", "币安人生USDT", "4USDT"])("%s can be a market id", (text) => {
    expect(isSymbol(parseSymbol(text))).toBe(true);
  });

  test.each(["", "B", "BTC.USDT", "BTC'USDT", "BTC;USDT", 'BTC"', "A".repeat(31), "BTC%USDT", "BTC USDT"])(
    "%j cannot",
    (text) => {
      expect(isSymbol(parseSymbol(text))).toBe(false);
    },
  );
});
