import { printable } from "../../candle/printable.ts";
import { isSymbol, parseSymbol } from "../../contract/symbol.ts";
import { garbage } from "../failure.ts";
import type { Listing, Volume } from "../listing.ts";

/** The entries of a list that can be right; the others are counted, with a few of them for a person. */
export type BelievedList<T> = {
  readonly entries: readonly T[];
  readonly leftOut: number;
  readonly examples: readonly string[];
};

/** Binance lists about 3,600 symbols, those that ended included. */
const MOST_ENTRIES = 10_000;
const EXAMPLES = 3;
/** What stands in a text column, a table and a metric. */
const SHORT = /^[^\p{C}\p{Z}]{1,30}$/u;
const STATUS = /^[\w-]{1,40}$/;
const DECIMAL = /^\d{1,30}(\.\d{1,30})?$/;

/**
 * Symbols of `/api/v3/exchangeInfo`. A name that no command could name (`aaveUSDT`, `FOO_BARUSDT`) is left out, and so is
 * a second entry of a name. A status that nobody knew yet is kept: all but TRADING mean "not trading".
 */
export function believeListings(answer: unknown): BelievedList<Listing> {
  return believeEach(fieldOf(answer, "symbols"), "/api/v3/exchangeInfo has no list of symbols", (entry) => {
    const symbol = believeSymbol(fieldOf(entry, "symbol"));
    const base = believeText(fieldOf(entry, "baseAsset"), SHORT);
    const quote = believeText(fieldOf(entry, "quoteAsset"), SHORT);
    const status = believeText(fieldOf(entry, "status"), STATUS);
    return symbol === null || base === null || quote === null || status === null
      ? null
      : { symbol, base, quote, status };
  });
}

/** Volumes of `/api/v3/ticker/24hr`: decimal text, or the number that some mirrors make of it. */
export function believeVolumes(answer: unknown): BelievedList<Volume> {
  return believeEach(answer, "/api/v3/ticker/24hr is not a list", (entry) => {
    const symbol = believeSymbol(fieldOf(entry, "symbol"));
    const volume = fieldOf(entry, "quoteVolume");
    const quoteVolume = believeText(typeof volume === "number" ? String(volume) : volume, DECIMAL);
    return symbol === null || quoteVolume === null ? null : { symbol, quoteVolume };
  });
}

/** The field of an answer's object, undefined for whatever else came. */
export function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}

function believeEach<T extends { readonly symbol: string }>(
  list: unknown,
  otherwise: string,
  believe: (entry: unknown) => T | null,
): BelievedList<T> {
  if (!Array.isArray(list)) throw garbage(otherwise);
  if (list.length > MOST_ENTRIES)
    throw garbage(`${otherwise.split(" ")[0]} has ${list.length} entries, more than ${MOST_ENTRIES}`);
  const entries = new Map<string, T>();
  const examples: string[] = [];
  let leftOut = 0;
  for (const entry of list) {
    const believed = believe(entry);
    if (believed !== null && !entries.has(believed.symbol)) {
      entries.set(believed.symbol, believed);
      continue;
    }
    leftOut += 1;
    if (examples.length < EXAMPLES) examples.push(symbolOf(entry));
  }
  return { entries: [...entries.values()], leftOut, examples };
}

function believeSymbol(value: unknown): string | null {
  return typeof value === "string" && value.length <= 60 && isSymbol(value) && parseSymbol(value) === value
    ? value
    : null;
}

function believeText(value: unknown, form: RegExp): string | null {
  return typeof value === "string" && value.length <= 80 && form.test(value) ? value : null;
}

function symbolOf(entry: unknown): string {
  const symbol = fieldOf(entry, "symbol");
  return typeof symbol === "string" && symbol !== "" ? printable(symbol, 40) : "one without a name";
}
