import { isSymbol, parseSymbol } from "../contract/symbol.ts";
import type { LegacyNotes } from "../db/legacy/adopt.ts";
import type { OldCoin } from "../db/legacy/coins.ts";

/** A coin under its old id, which stays: other programs that read the candles know the coin by this id. */
type MappedCoin = LegacyNotes["coins"][number];

/** Old coins: the ones that the new table takes, the ids of the ones that are left out, and the largest id of all. */
export type MappedCoins = {
  readonly coins: readonly MappedCoin[];
  readonly left: readonly number[];
  readonly lastId: number;
};

/** Ends with a quote currency of the exchange: a plain `BTC` is no market. */
const MARKET =
  /^(.+)(USDT|USDC|FDUSD|BUSD|TUSD|USD1|DAI|BTC|ETH|BNB|EUR|TRY|BRL|GBP|AUD|RUB|UAH|JPY|ARS|MXN|COP|PLN|RON|ZAR|IDR|CZK)$/;

/** The largest id that the new table of coins can hold. */
export const LARGEST_ID = 2 ** 31 - 1;

/** Reads `1=BTCUSDT,2=eth/usdt`: symbols by old id. Throws an Error that says what the text must hold. */
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
 * Finds the symbol of every old coin: the name that a person gave counts first, then the old table. A coin with leaves
 * is a fault if it has no symbol, a symbol that is no market, or the symbol of another coin: nobody would notice candles
 * under a wrong name. A coin without leaves keeps its id if its symbol is a market, and is left out if not.
 */
export function mapCoins(
  ids: readonly number[],
  table: readonly OldCoin[],
  named: ReadonlyMap<number, string>,
): MappedCoins & { readonly faults: readonly string[] } {
  const rows = table.flatMap(({ id, symbol }) =>
    /^\d+$/.test(id ?? "") && Number(id) <= LARGEST_ID ? [{ id: Number(id), symbol }] : [],
  );
  const known = new Map(
    rows.flatMap(({ id, symbol }) => {
      const parsed = parseSymbol(symbol ?? "");
      return parsed === "" ? [] : [[id, parsed] as const];
    }),
  );
  const coins: MappedCoin[] = [];
  const faults: string[] = [];
  const left: number[] = [];
  const ownerOf = new Map<string, number>();
  const idle = new Set([...rows.map(({ id }) => id), ...named.keys()]).difference(new Set(ids));
  const ordered = [...ids.toSorted((a, b) => a - b), ...[...idle].toSorted((a, b) => a - b)];
  for (const id of ordered) {
    const symbol = named.get(id) ?? known.get(id);
    const [, base, quote] = MARKET.exec(symbol ?? "") ?? [];
    const fault = faultOf(id, symbol, symbol === undefined ? undefined : ownerOf.get(symbol));
    const isVague = base === undefined && !named.has(id);
    if (symbol !== undefined && isSymbol(symbol) && fault === null && !isVague) {
      ownerOf.set(symbol, id);
      coins.push({ id, symbol, base: base ?? symbol, quote: quote ?? "" });
    } else if (idle.has(id)) left.push(id);
    else
      faults.push(
        fault ??
          `coin ${id} is ${symbol}, which is no market such as BTCUSDT: give --coins ${id}=${symbol}USDT`,
      );
  }
  return { coins: coins.toSorted((a, b) => a.id - b.id), left, lastId: Math.max(0, ...ordered), faults };
}

function faultOf(id: number, symbol: string | undefined, owner: number | undefined): string | null {
  if (symbol === undefined) return `coin ${id} has leaves but no symbol: give --coins ${id}=SYMBOL`;
  if (owner === undefined) return null;
  return `coins ${owner} and ${id} are both ${symbol}: say with --coins which is which, or drop one's leaves`;
}
