import { type Answer, jsonAnswer } from "./answer.ts";
import { intervalWidths } from "./interval.ts";
import type { MarketSymbol } from "./market.ts";
import { checkNames, findAsked, type Question } from "./parameters.ts";
import { Refusal } from "./refusal.ts";

const zero = "0.00000000";

function describe(entry: MarketSymbol, { source, now }: Question, full: boolean): object {
  const row = source.lastDay(entry, now);
  const [
    ,
    open = zero,
    high = zero,
    low = zero,
    close = zero,
    volume = zero,
    ,
    quoteVolume = zero,
    trades = 0,
  ] = row ?? [];
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
export function answerTicker(question: Question): Answer {
  const { query, market, now } = question;
  checkNames(query, ["symbol", "symbols", "type"]);
  const type = query.get("type") ?? "FULL";
  if (type !== "FULL" && type !== "MINI") throw new Refusal(-1139, "Invalid ticker type.");
  const asked = findAsked(question) ?? market.filter((entry) => entry.listedAt <= now);
  const tickers = asked.map((entry) => describe(entry, question, type === "FULL"));
  return jsonAnswer(query.has("symbol") ? tickers[0] : tickers);
}
