import { type Answer, errorAnswer } from "./answer.ts";
import { type CandleSource, type PageQuestion, pageLimit } from "./candle-source.ts";
import { isInterval } from "./interval.ts";
import type { Market } from "./market.ts";
import { checkNames, findSymbol, readNumber, requireText } from "./parameters.ts";
import { Refusal } from "./refusal.ts";

const defaultLimit = 500;

/** Reads the parameters of GET /api/v3/klines; throws a Refusal with Binance's error. */
export function parseKlinesQuery(query: URLSearchParams, market: Market, now: number): PageQuestion {
  checkNames(query, ["symbol", "interval", "startTime", "endTime", "limit", "timeZone"]);
  const symbol = requireText(query, "symbol");
  const interval = requireText(query, "interval");
  const startTime = readNumber(query, "startTime");
  const endTime = readNumber(query, "endTime");
  const limit = readNumber(query, "limit") ?? defaultLimit;
  const entry = findSymbol(market, symbol, now);
  if (!isInterval(interval)) throw new Refusal(errorAnswer(400, -1120, "Invalid interval."));
  if (limit === 0)
    throw new Refusal(errorAnswer(400, -1130, "Data sent for parameter 'limit' is not valid."));
  return { entry, interval, startTime, endTime, limit: Math.min(limit, pageLimit) };
}

/** GET /api/v3/klines: the page as it is at `now` (ms). */
export function answerKlines(question: PageQuestion, source: CandleSource, now: number): Answer {
  return { status: 200, type: "application/json;charset=UTF-8", body: source.page(question, now) };
}
