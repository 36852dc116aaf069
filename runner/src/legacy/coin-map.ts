import { isSymbol, parseSymbol } from "../candle/symbol.ts";
import type { OldCoin } from "../db/legacy-catalog.ts";

/** A coin under the id that it keeps: outside readers of the candles know it. */
export type MappedCoin = {
  readonly id: number;
  readonly symbol: string;
  readonly base: string;
  readonly quote: string;
};

/** Quotes of the exchange, so that a plain `BTC` is not taken for a market. */
const MARKET =
  /^(.+)(USDT|USDC|FDUSD|BUSD|TUSD|USD1|DAI|BTC|ETH|BNB|EUR|TRY|BRL|GBP|AUD|RUB|UAH|JPY|ARS|MXN|COP|PLN|RON|ZAR|IDR|CZK)$/;

/** `1=BTCUSDT,2=eth/usdt`: symbols by old id. */
export function parseCoinMap(text: string): ReadonlyMap<number, string> {
  const map = new Map<number, string>();
  for (const item of text.split(",").map((part) => part.trim())) {
    const [, id = "", symbol = ""] = /^(\d{1,9})=(.+)$/.exec(item) ?? [];
    if (!isSymbol(parseSymbol(symbol)))
      throw new Error(`must hold ID=SYMBOL, e.g. 1=BTCUSDT,2=ETHUSDT, not ${JSON.stringify(item)}`);
    if (map.has(Number(id))) throw new Error(`names the id ${id} twice`);
    map.set(Number(id), parseSymbol(symbol));
  }
  return map;
}

/**
 * The symbol of every coin that has leaves: what a person named counts, then the old table. A coin without a symbol,
 * one that is no market, and two coins of one symbol are faults: candles under a wrong name would never be noticed.
 */
export function mapCoins(
  ids: readonly number[],
  table: readonly OldCoin[],
  named: ReadonlyMap<number, string>,
): { readonly coins: readonly MappedCoin[]; readonly faults: readonly string[] } {
  const known = new Map(table.map(({ id, symbol }) => [Number(id), parseSymbol(symbol)]));
  const coins: MappedCoin[] = [];
  const faults: string[] = [];
  const ownerOf = new Map<string, number>();
  for (const id of ids.toSorted((a, b) => a - b)) {
    const symbol = named.get(id) ?? known.get(id);
    const [, base, quote] = MARKET.exec(symbol ?? "") ?? [];
    const owner = symbol === undefined ? undefined : ownerOf.get(symbol);
    if (symbol === undefined) faults.push(`coin ${id} has leaves but no symbol: give --coins ${id}=SYMBOL`);
    else if (owner !== undefined)
      faults.push(
        `coins ${owner} and ${id} are both ${symbol}: say with --coins which is which, or drop one's leaves`,
      );
    else if (base === undefined && !named.has(id))
      faults.push(
        `coin ${id} is ${symbol}, which is no market such as BTCUSDT: give --coins ${id}=${symbol}USDT`,
      );
    else {
      ownerOf.set(symbol, id);
      coins.push({ id, symbol, base: base ?? symbol, quote: quote ?? "" });
    }
  }
  return { coins, faults };
}
