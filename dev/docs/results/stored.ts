import { z } from "zod";
import { count, interval, resultOf, symbol, time } from "./parts.ts";

const decimal = z
  .union([z.string(), z.number()])
  .nullable()
  .describe(
    "A text with all digits; a number with --numbers. Null in candles of the old layout that had none.",
  )
  .meta({ id: "decimal" });

export const candles = resultOf("candles", {
  candles: z
    .array(
      z
        .strictObject({
          symbol,
          interval,
          timestamp: time.describe("When the candle opens."),
          open: decimal,
          high: decimal,
          low: decimal,
          close: decimal,
          volume: decimal,
          closeTime: time.nullable(),
          quoteVolume: decimal,
          trades: count.nullable(),
          takerBase: decimal,
          takerQuote: decimal,
        })
        .partial(),
    )
    .describe("By symbol, interval and time; with the fields that --columns names, or all."),
});
