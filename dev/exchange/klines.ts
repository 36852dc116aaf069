import type { Answer } from "./answer.ts";
import { type PageQuestion, pageLimit } from "./candle-source.ts";
import { isInterval } from "./interval.ts";
import { checkNames, findSymbol, type Question, readNumber, requireText } from "./parameters.ts";
import { Refusal } from "./refusal.ts";

const defaultLimit = 500;

/** Reads the parameters of GET /api/v3/klines; throws a Refusal with Binance's error. */
function parsePageQuestion({ query, market, now }: Question): PageQuestion {
  checkNames(query, ["symbol", "interval", "startTime", "endTime", "limit", "timeZone"]);
  const symbol = requireText(query, "symbol");
  const interval = requireText(query, "interval");
  const startTime = readNumber(query, "startTime");
  const endTime = readNumber(query, "endTime");
  const limit = readNumber(query, "limit") ?? defaultLimit;
  const entry = findSymbol(market, symbol, now);
  if (!isInterval(interval)) throw new Refusal(-1120, "Invalid interval.");
  if (limit === 0) throw new Refusal(-1130, "Data sent for parameter 'limit' is not valid.");
  return { entry, interval, startTime, endTime, limit: Math.min(limit, pageLimit) };
}

/** GET /api/v3/klines: the page as it is at `now` (ms). */
export function answerKlines(question: Question): Answer {
  const body = question.source.page(parsePageQuestion(question), question.now);
  return { status: 200, type: "application/json;charset=UTF-8", body };
}
