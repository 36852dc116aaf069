import { type Answer, htmlAnswer, jsonAnswer } from "./answer.ts";
import { answerExchangeInfo } from "./exchange-info.ts";
import { answerKlines } from "./klines.ts";
import { type Question, readList } from "./parameters.ts";
import { Refusal } from "./refusal.ts";
import { answerTicker } from "./ticker.ts";

function tickerWeight(query: URLSearchParams): number {
  if (query.has("symbol")) return 2;
  try {
    const symbols = readList(query, "symbols");
    if (!symbols || symbols.length > 100) return 80;
    return symbols.length === 1 ? 2 : 40;
  } catch {
    return 2;
  }
}

/** The weight of a request, charged whether or not its parameters are good. */
export function weighRequest(path: string, query: URLSearchParams): number {
  if (path === "/api/v3/klines") return 2;
  if (path === "/api/v3/exchangeInfo") return 20;
  if (path === "/api/v3/ticker/24hr") return tickerWeight(query);
  return 1;
}

/** Answers one request of the exchange's public API; errors come as answers too. */
export function answerQuestion(question: Question): Answer {
  const { path, now } = question;
  try {
    if (path === "/api/v3/ping") return jsonAnswer({});
    if (path === "/api/v3/time") return jsonAnswer({ serverTime: now });
    if (path === "/api/v3/klines") return answerKlines(question);
    if (path === "/api/v3/exchangeInfo") return answerExchangeInfo(question);
    if (path === "/api/v3/ticker/24hr") return answerTicker(question);
    return htmlAnswer(404, "404 Not Found");
  } catch (error) {
    if (error instanceof Refusal) return error.answer;
    throw error;
  }
}
