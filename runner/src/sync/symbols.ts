import { nearestSymbol } from "../candle/nearest-name.ts";
import { addCoins, type Coin, closeCoins, findCoins, listSymbols } from "../db/coins.ts";
import type { Database } from "../db/connect.ts";
import { withTransaction } from "../db/session.ts";
import { messageOf, SettingsFault, UsageFault } from "../errors.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { ExchangeFailure, garbage } from "../exchange/failure.ts";
import { splitByUrl } from "../exchange/fetch-listings.ts";
import type { Logger } from "../log.ts";
import type { NamedBy } from "./selection.ts";

type Tools = { readonly db: Database; readonly exchange: Exchange };

/** What came of looking for symbols that nothing is stored of. */
type Lookup = {
  /** Stored now, in the order asked for. */
  readonly coins: readonly Coin[];
  /** The exchange does not know these. */
  readonly unknown: readonly string[];
  /** Symbols for which no answer came; `failure` says why. */
  readonly unanswered: readonly string[];
  readonly failure: ExchangeFailure | null;
};

/** Asks for symbols part by part and stores each part as it comes: one part that fails takes nothing from the others. */
export async function lookUpSymbols(
  db: Database,
  exchange: Exchange,
  symbols: readonly string[],
): Promise<Lookup> {
  const unknown: string[] = [];
  const unanswered: string[] = [];
  let failure: ExchangeFailure | null = null;
  for (const part of splitByUrl(symbols)) {
    try {
      const answer = await exchange.fetchListings(part);
      unknown.push(...answer.unknown);
      unanswered.push(...answer.unreadable);
      if (answer.unreadable.length > 0) failure ??= unreadableListings();
      if (answer.listings.length > 0)
        await addCoins(
          db,
          answer.listings.map((listing) => ({ ...listing, quoteVolume: null, rank: null })),
        );
    } catch (error) {
      if (!(error instanceof ExchangeFailure)) throw error;
      failure ??= error;
      unanswered.push(...part);
    }
  }
  const missing = new Set([...unknown, ...unanswered]);
  const found = symbols.filter((symbol) => !missing.has(symbol));
  return { coins: found.length === 0 ? [] : await findCoins(db, found), unknown, unanswered, failure };
}

/** The failure of listings that came and cannot be right. */
export function unreadableListings(): ExchangeFailure {
  return garbage("their entries in /api/v3/exchangeInfo cannot be right");
}

/**
 * Looks up again what is stored and was not looked up for a day, for its status alone: what fails stays as it is.
 * `synced`: coins whose candles have just come, so that they are listed whatever a list says.
 */
export async function refreshListings(
  { db, exchange, log }: Tools & { readonly log: Logger },
  coins: readonly Coin[],
  synced: ReadonlySet<number>,
): Promise<void> {
  const idOf = new Map(coins.map(({ coinId, symbol }) => [symbol, coinId]));
  const { unknown, unanswered, failure } = await lookUpSymbols(db, exchange, [...idOf.keys()]);
  if (failure !== null)
    log.warn(
      { "event.name": "listings_kept", symbols: unanswered.length },
      `[RUN] the exchange gave no listings of ${unanswered.length} stored symbols, which stay as they were: ${failure.message}`,
    );
  const delisted = unknown.filter((symbol) => !synced.has(idOf.get(symbol) ?? 0));
  await withTransaction(db, (client) => closeCoins(client, delisted));
}

/**
 * What is wrong with the names, as the error that ends the run after all others were worked on; null where nothing is.
 * With nobody left to work on, the argument or setting itself is wrong, unless the exchange could not be asked.
 */
export async function faultOfSymbols(
  { db, exchange }: Tools,
  { coins, unknown, unanswered, failure }: Lookup,
  { namedBy, hasOthers }: { readonly namedBy: NamedBy; readonly hasOthers: boolean },
): Promise<Error | null> {
  const isNobodyLeft = coins.length === 0 && !hasOthers;
  if (isNobodyLeft && failure !== null) return failure;
  if (unknown.length === 0 && failure === null) return null;
  const stored = await listSymbols(db);
  const isStrange = unknown.some((symbol) => nearestSymbol(symbol, stored) === undefined);
  // a job with a wrong setting starts each minute: its names are held against the stored ones alone
  const isWorthAsking = isNobodyLeft || (namedBy === "--symbols" && isStrange);
  const known = isWorthAsking ? [...stored, ...(await listTrading(exchange))] : stored;
  const names = unknown.map((symbol) => {
    const near = nearestSymbol(symbol, known);
    return near === undefined ? symbol : `${symbol} (did you mean ${near}?)`;
  });
  if (isNobodyLeft) {
    const fault = [`${namedBy}: the exchange does not know ${names.join(", ")} (nothing was changed)`];
    return namedBy === "SYMBOLS" ? new SettingsFault(fault) : new UsageFault(fault);
  }
  const parts = [
    ...(names.length === 0
      ? []
      : [`the exchange does not know ${names.join(", ")}: correct ${namedBy}, or take them out`]),
    ...(failure === null
      ? []
      : [`the exchange gave no listings of ${unanswered.join(", ")}: ${messageOf(failure)}`]),
  ];
  return new Error(`${parts.join("; ")}; all others were worked on`);
}

/** Names of all that trade now; none where the exchange gives no list. */
async function listTrading(exchange: Exchange): Promise<readonly string[]> {
  try {
    return (await exchange.fetchTrading()).entries.map(({ symbol }) => symbol);
  } catch (error) {
    // the message names the fault without a suggestion too
    if (error instanceof ExchangeFailure) return [];
    throw error;
  }
}
