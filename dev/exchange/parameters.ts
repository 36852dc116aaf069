import type { CandleSource } from "./candle-source.ts";
import { type Market, type MarketSymbol, statusAt } from "./market.ts";
import { Refusal } from "./refusal.ts";

/** A request of the public API, and what its answer depends on. */
export type Question = {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly market: Market;
  readonly source: CandleSource;
  /** The exchange's clock, ms. */
  readonly now: number;
  readonly weightLimit: number;
};

const symbolForm = /^[A-Z0-9-_.]{1,20}$/;

function illegal(name: string, range: string): Refusal {
  const msg = `Illegal characters found in parameter '${name}'; legal range is '${range}'.`;
  return new Refusal(-1100, msg);
}

/** Refuses names that the endpoint does not know, as Binance does. */
export function checkNames(query: URLSearchParams, known: readonly string[]): void {
  const sent = query.size;
  const read = [...query.keys()].filter((name) => known.includes(name)).length;
  if (new Set(query.keys()).size < sent)
    throw new Refusal(-1101, "Duplicate values for a parameter detected.");
  if (read === sent) return;
  const msg = `Not all sent parameters were read; read '${read}' parameter(s) but was sent '${sent}'.`;
  throw new Refusal(-1104, msg);
}

/** A parameter that must be there. */
export function requireText(query: URLSearchParams, name: string): string {
  const text = query.get(name);
  if (text) return text;
  const msg = `Mandatory parameter '${name}' was not sent, was empty/null, or malformed.`;
  throw new Refusal(-1102, msg);
}

/** A whole number, or null where it was not sent. */
export function readNumber(query: URLSearchParams, name: string): number | null {
  const text = query.get(name);
  if (text === null) return null;
  if (!/^[0-9]{1,20}$/.test(text)) throw illegal(name, "^[0-9]{1,20}$");
  return Number(text);
}

/** A JSON list of texts, or null where it was not sent. A bare word is taken as a list of one. */
export function readList(query: URLSearchParams, name: string): string[] | null {
  const text = query.get(name);
  if (text === null) return null;
  if (!text.startsWith("[")) return [text];
  if (!/^\["[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}")*\]$/.test(text))
    throw illegal(name, '^\\[("[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}){0,1}\\]$');
  return JSON.parse(text) as string[];
}

/** The market's symbol of this name; one that is not yet listed at `now` does not exist. */
export function findSymbol(market: Market, symbol: string, now: number): MarketSymbol {
  if (!symbolForm.test(symbol)) throw illegal("symbol", symbolForm.source);
  const entry = market.find((candidate) => candidate.symbol === symbol);
  if (entry && statusAt(entry, now) !== null) return entry;
  throw new Refusal(-1121, "Invalid symbol.");
}

/** The symbols asked for by `symbol` or `symbols`, or null for all. */
export function findAsked({ query, market, now }: Question): MarketSymbol[] | null {
  const symbol = query.get("symbol");
  const symbols = readList(query, "symbols");
  if (symbol !== null && symbols) throw wrongCombination();
  if (symbol !== null) return [findSymbol(market, symbol, now)];
  return symbols?.map((name) => findSymbol(market, name, now)) ?? null;
}

export function wrongCombination(): Refusal {
  return new Refusal(-1128, "Combination of optional parameters invalid.");
}
