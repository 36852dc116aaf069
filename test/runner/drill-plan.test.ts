import { describe, expect, test } from "vitest";
import type { Candle } from "../../runner/src/candle/candle.ts";
import { compareGolden, type GoldenCandle, planPages } from "../../runner/src/restore/drill/golden-plan.ts";
import { chooseTier } from "../../runner/src/restore/drill/turn-plan.ts";

const HOUR = 3_600_000;
const START = Date.UTC(2024, 0, 1);

const values = {
  ...{ open: "1.50", high: "2.00000000", low: "1", close: "1.75", volume: "10.0" },
  ...{ quoteVolume: "17.5", trades: 3, takerBase: "0.00000000", takerQuote: "0.1" },
};
const shown = (hours: number, more: Partial<Candle> = {}): Candle => ({
  ...{ ...values, openTime: START + hours * HOUR, closeTime: START + (hours + 1) * HOUR - 1 },
  ...more,
});
const golden = (hours: number, more: Partial<GoldenCandle> = {}): GoldenCandle => ({
  ...shown(hours),
  ...{ symbol: "BTCUSDT", interval: "1h", isOld: false },
  ...more,
});

describe("the tier whose turn it is", () => {
  test.each([
    [["hot", "warm", "cold"], {}, "hot"],
    [["cold", "warm"], {}, "warm"],
    [["hot", "warm", "cold"], { hot: 1, cold: 2 }, "warm"],
    [["hot", "warm", "cold"], { hot: 3, warm: 2, cold: 1 }, "cold"],
    [["hot", "warm"], { hot: 3, warm: 4, cold: 1 }, "hot"],
    [[], { hot: 1 }, null],
  ] as const)("of %j, last drilled at %j, is %s", (tiers, last, turn) => {
    const map = new Map(Object.entries(last) as [(typeof tiers)[number], number][]);
    expect(chooseTier(tiers, map)).toBe(turn);
  });
});

describe("golden candles", () => {
  test("are asked for by pages of one request, in the order of their times", () => {
    const pages = planPages([
      golden(5_000),
      golden(0),
      golden(999),
      golden(1_000),
      golden(2, { symbol: "A" }),
    ]);
    expect(
      pages.map(({ symbol, span, candles }) => [symbol, (span.from - START) / HOUR, candles.length]),
    ).toEqual([
      ["BTCUSDT", 0, 2],
      ["BTCUSDT", 1_000, 1],
      ["BTCUSDT", 5_000, 1],
      ["A", 2, 1],
    ]);
    expect(pages[0]?.span.to).toBe(START + 999 * HOUR + 1);
  });

  test("are equal by their numbers, and not by their digits behind the last one", () => {
    const restored = golden(0, { open: "1.5", volume: "10", takerBase: "0", high: "2.0" });
    expect(compareGolden({ candles: [restored] }, [shown(0)])).toEqual([]);
  });

  test.each([
    ["close", "1.75000001"],
    ["volume", "100"],
    ["trades", 4],
    ["takerBase", "0.00000001"],
    ["closeTime", START],
  ])("differ where %s does", (field, value) => {
    expect(compareGolden({ candles: [golden(0, { [field]: value })] }, [shown(0)])).toEqual([
      expect.stringMatching(
        new RegExp(
          `^BTCUSDT 1h 2024-01-01T00:00:00Z is restored with ${field} ${value} and not .*, as the exchange says$`,
        ),
      ),
    ]);
  });

  test("that the exchange does not have differ", () => {
    expect(compareGolden({ candles: [golden(0), golden(1)] }, [shown(1)])).toEqual([
      "BTCUSDT 1h 2024-01-01T00:00:00Z is restored, and the exchange has no such candle",
    ]);
  });

  test("of the old system lack some values, and may be rounded as its columns did", () => {
    const lacking = { quoteVolume: null, trades: null, takerBase: null, takerQuote: null, closeTime: null };
    expect(compareGolden({ candles: [golden(0, lacking)] }, [shown(0)])).toEqual([]);
    const rounded = golden(0, { ...lacking, isOld: true, close: "1.8" });
    expect(compareGolden({ candles: [rounded] }, [shown(0)])).toEqual([]);
    expect(compareGolden({ candles: [{ ...rounded, close: "1.9" }] }, [shown(0)])).toHaveLength(1);
  });
});
