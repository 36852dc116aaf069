import { type Answer, errorAnswer, jsonAnswer } from "./answer.ts";
import type { CandleSource } from "./candle-source.ts";
import { intervalWidths } from "./interval.ts";
import type { Market, MarketSymbol } from "./market.ts";
import { checkNames, findAsked } from "./parameters.ts";
import { Refusal } from "./refusal.ts";

const zero = "0.00000000";

function describe(entry: MarketSymbol, source: CandleSource, now: number, full: boolean): object {
  const row = source.lastDay(entry, now);
  const [, open, high, low, close, volume, , quoteVolume, trades] = row ?? [
    0,
    zero,
    zero,
    zero,
    zero,
    zero,
    0,
    zero,
    0,
  ];
  const mini = {
    symbol: entry.symbol,
    openPrice: open,
    highPrice: high,
    lowPrice: low,
    lastPrice: close,
    volume,
    quoteVolume,
    openTime: now - intervalWidths["1d"],
    closeTime: now,
    firstId: row ? 1 : -1,
    lastId: row ? trades : -1,
    count: trades,
  };
  if (!full) return mini;
  const change = Number(close) - Number(open);
  return {
    ...mini,
    priceChange: change.toFixed(8),
    priceChangePercent: (row ? (100 * change) / Number(open) : 0).toFixed(3),
    weightedAvgPrice: (Number(volume) > 0 ? Number(quoteVolume) / Number(volume) : 0).toFixed(8),
    prevClosePrice: open,
    lastQty: row ? "1.00000000" : zero,
    bidPrice: close,
    bidQty: row ? "1.00000000" : zero,
    askPrice: close,
    askQty: row ? "1.00000000" : zero,
  };
}

/** GET /api/v3/ticker/24hr at `now` (ms): an object for `symbol`, a list for `symbols` or for all. */
export function answerTicker(
  query: URLSearchParams,
  market: Market,
  source: CandleSource,
  now: number,
): Answer {
  checkNames(query, ["symbol", "symbols", "type"]);
  const type = query.get("type") ?? "FULL";
  if (type !== "FULL" && type !== "MINI") throw new Refusal(errorAnswer(400, -1139, "Invalid ticker type."));
  const asked = findAsked(query, market, now) ?? market.filter((entry) => entry.listedAt <= now);
  const tickers = asked.map((entry) => describe(entry, source, now, type === "FULL"));
  return jsonAnswer(query.has("symbol") ? tickers[0] : tickers);
}
