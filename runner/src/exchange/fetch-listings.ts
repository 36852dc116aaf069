import type { BelievedList } from "./belief/lists.ts";
import { ExchangeFailure } from "./failure.ts";
import type { Listing } from "./listing.ts";

/** What the exchange said of the symbols that it was asked for. */
export type Listings = {
  readonly listings: readonly Listing[];
  /** Symbols that the exchange does not know. */
  readonly unknown: readonly string[];
  /** Symbols whose entry came and cannot be right: the exchange may well know them. */
  readonly unreadable: readonly string[];
};

/** Web servers take 8 kB of a URL at the least, and what is not ASCII takes nine letters a sign (币 is %E5%B8%81). */
const MOST_URL_LETTERS = 3_800;
/** Illegal characters in a parameter, and a symbol that is not listed: one of the names is not of this exchange. */
const UNKNOWN_CODES: readonly (number | null)[] = [-1100, -1121];
/** One unknown name among 200 takes nine. Beyond this the whole list costs less: it weighs as much as each question. */
const MOST_REFUSED = 10;

/** Lists of names that fit into a URL each, in the order given. */
export function splitByUrl(symbols: readonly string[]): readonly (readonly string[])[] {
  const parts: string[][] = [];
  let letters = Number.POSITIVE_INFINITY;
  for (const symbol of symbols) {
    const more = encodeURIComponent(`"${symbol}",`).length;
    if (letters + more > MOST_URL_LETTERS) {
      parts.push([]);
      letters = 0;
    }
    parts.at(-1)?.push(symbol);
    letters += more;
  }
  return parts;
}

/**
 * Asks for listings in parts, for one run. One unknown name refuses a whole part and the answer does not say which, so
 * the part is halved until the unknown ones stand alone. After some refusals, counted over the whole run, the list of
 * all symbols is asked for once (`ask(null)`) and answers the rest of the run. What comes unasked is ignored.
 */
export function createListingsFetcher(
  ask: (symbols: readonly string[] | null) => Promise<BelievedList<Listing>>,
): (symbols: readonly string[]) => Promise<Listings> {
  let refused = 0;
  let all: BelievedList<Listing> | null = null;

  const askFor = async (names: readonly string[]) => {
    const answer = await ask(names).catch(nullIfUnknown);
    if (answer === null) refused += 1;
    return answer;
  };

  return async (symbols) => {
    const found = new Map<string, Listing>();
    const unknown: string[] = [];
    const unreadable: string[] = [];
    const unasked: string[] = [];

    const take = (names: readonly string[], { entries, leftOut }: BelievedList<Listing>) => {
      const byName = new Map(entries.map((listing) => [listing.symbol, listing]));
      for (const name of names) {
        const listing = byName.get(name);
        if (listing !== undefined) found.set(name, listing);
        else (leftOut > 0 ? unreadable : unknown).push(name);
      }
    };
    /** Whether the exchange knew every one of the names. `hasUnknown`: one of them was refused with the others. */
    const search = async (names: readonly string[], hasUnknown: boolean): Promise<boolean> => {
      if (refused >= MOST_REFUSED) {
        unasked.push(...names);
        return true;
      }
      if (!hasUnknown || names.length === 1) {
        const answer = await askFor(names);
        if (answer !== null) {
          take(names, answer);
          return true;
        }
        if (names.length === 1) {
          unknown.push(...names);
          return false;
        }
      }
      const middle = names.length >> 1;
      const isFirstHalfKnown = await search(names.slice(0, middle), false);
      await search(names.slice(middle), isFirstHalfKnown);
      return false;
    };

    const wanted = [...new Set(symbols)];
    for (const part of splitByUrl(wanted)) await search(part, false);
    if (unasked.length > 0) {
      all ??= await ask(null);
      take(unasked, all);
    }
    return { listings: wanted.flatMap((symbol) => found.get(symbol) ?? []), unknown, unreadable };
  };
}

function nullIfUnknown(error: unknown): null {
  if (error instanceof ExchangeFailure && UNKNOWN_CODES.includes(error.exchangeCode)) return null;
  throw error;
}
