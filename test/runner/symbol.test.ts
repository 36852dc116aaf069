import { expect, test } from "vitest";
import { isSymbol, parseSymbol } from "../../runner/src/candle/symbol.ts";

test.each(["BTCUSDT", "btc/usdt", "BTC-USDT", "btc_usdt", " Btc Usdt "])("%j is BTCUSDT", (text) => {
  expect(parseSymbol(text)).toBe("BTCUSDT");
});

test.each(["BTCUSDT", "1000SATSUSDT", "币安人生USDT", "4USDT"])("%s can be a market id", (text) => {
  expect(isSymbol(parseSymbol(text))).toBe(true);
});

test.each(["", "B", "BTC.USDT", "BTC'USDT", "BTC;USDT", 'BTC"', "A".repeat(31), "BTC%USDT"])(
  "%j cannot",
  (text) => {
    expect(isSymbol(parseSymbol(text))).toBe(false);
  },
);
