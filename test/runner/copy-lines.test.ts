import fc from "fast-check";
import { expect, test } from "vitest";
import type { Candle } from "../../runner/src/candle/candle.ts";
import { renderCopyLines } from "../../runner/src/db/copy-lines.ts";

const decimal = fc
  .tuple(fc.stringMatching(/^-?\d{1,30}$/), fc.stringMatching(/^(\.\d{1,30})?$/))
  .map(([whole, rest]) => whole + rest);
const time = fc.integer({ min: Date.UTC(2009, 0, 1), max: Date.UTC(2105, 0, 1) });
const candle: fc.Arbitrary<Candle> = fc.record({
  openTime: time,
  open: decimal,
  high: decimal,
  low: decimal,
  close: decimal,
  volume: decimal,
  closeTime: time,
  quoteVolume: decimal,
  trades: fc.nat(),
  takerBase: decimal,
  takerQuote: decimal,
});

/** The same lines by joined strings. */
const lineOf = (coinId: number, c: Candle) =>
  [
    coinId,
    "1h",
    new Date(c.openTime).toISOString(),
    c.open,
    c.high,
    c.low,
    c.close,
    c.volume,
    c.quoteVolume,
    c.trades,
    c.takerBase,
    c.takerQuote,
    new Date(c.closeTime).toISOString(),
    "rest",
    c.openTime % 3_600_000 === 0 ? 0 : 1,
  ].join("\t");

const render = (batches: Parameters<typeof renderCopyLines>[1]) =>
  Buffer.concat([...renderCopyLines("1h", batches)]).toString("ascii");

test("lines hold every field as it came, times as ISO 8601", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(), fc.array(candle))), (batches) => {
      const expected = batches.flatMap(([coinId, candles]) =>
        candles.map((each) => `${lineOf(coinId, each)}\n`),
      );
      expect(render(batches.map(([coinId, candles]) => ({ coinId, candles })))).toBe(expected.join(""));
    }),
  );
});

test("thousands of lines of the longest candle go into as many buffers as they need", () => {
  const longest = `-${"9".repeat(30)}.${"9".repeat(30)}`;
  const [base] = fc.sample(candle, 1);
  if (base === undefined) throw new Error("no sample");
  const big: Candle = {
    ...base,
    open: longest,
    high: longest,
    low: longest,
    close: longest,
    volume: longest,
    quoteVolume: longest,
    takerBase: longest,
    takerQuote: longest,
    trades: Number.MAX_SAFE_INTEGER,
  };
  const coinId = 2_147_483_647;
  const candles = Array.from({ length: 3_000 }, () => big);
  expect(render([{ coinId, candles }])).toBe(`${lineOf(coinId, big)}\n`.repeat(3_000));
});
