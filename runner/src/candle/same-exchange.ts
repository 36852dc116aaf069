import type { Interval } from "../contract/intervals.ts";
import type { Candle } from "./candle.ts";

/** A stored candle that an exchange is to show again; decimals as text, time in ms. */
export type Sample = Pick<Candle, "openTime" | "open" | "high" | "low" | "close" | "volume"> & {
  readonly symbol: string;
  readonly interval: Interval;
  /** Taken over from the old system. */
  readonly isOld: boolean;
  /** As far as the database knows; an exchange may have forgotten a symbol that is not traded any more. */
  readonly isTrading: boolean;
};

/** What the exchange showed of a sample: its candle, or null where it has none for that time. */
export type Shown = { readonly sample: Sample; readonly candle: Candle | null };

export type Likeness = {
  readonly compared: number;
  readonly equal: number;
  readonly isSame: boolean;
  /** A few that differ. */
  readonly different: readonly Shown[];
};

const FIELDS = ["open", "high", "low", "close", "volume"] as const;
/** An exchange corrects a candle now and then, and its own mirrors must pass. */
const LEAST_EQUAL_SHARE = 0.9;
/** Relative. A mirror may go through floats of 15 digits. */
const FLOAT_ERROR = 1e-9;
/** Relative. A `real` column of the old system keeps 24 bits, and its shortest text may be half a unit off again. */
const REAL_ERROR = 1.2e-7;
const EXAMPLES = 3;

/** So many symbols must be known there where as many are stored: one of an equal name and price proves nothing. */
export const LEAST_SYMBOLS = 3;

/**
 * Whether the exchange is the one whose candles are stored, judged by the candles themselves. `unlisted`: samples of
 * symbols that the exchange does not know; they differ, unless the symbol is traded no more and enough others answered.
 */
export function judgeLikeness(answered: readonly Shown[], unlisted: readonly Sample[]): Likeness {
  const known = new Set(answered.map(({ sample }) => sample.symbol));
  const stored = new Set([...known, ...unlisted.map(({ symbol }) => symbol)]);
  const isFew = known.size < (stored.size < LEAST_SYMBOLS ? Math.min(stored.size, 1) : LEAST_SYMBOLS);
  const missing = unlisted.filter(({ isTrading }) => isTrading || isFew);
  const shown = [...answered, ...missing.map((sample) => ({ sample, candle: null }))];
  const different = shown.filter(({ sample, candle }) => candle === null || !isSame(sample, candle));
  const equal = shown.length - different.length;
  return {
    compared: shown.length,
    equal,
    isSame: !isFew && equal >= LEAST_EQUAL_SHARE * shown.length,
    different: different.slice(0, EXAMPLES),
  };
}

type Values = Pick<Candle, (typeof FIELDS)[number]>;

/** By value; of the old system's candles as far as the stored digits go. */
function isSame(sample: Sample, candle: Candle): boolean {
  if (sample.isOld) return isSameAsOld(sample, candle);
  return isWithin(sample, candle, (_field, size) => FLOAT_ERROR * size);
}

/** Whether a candle that was taken over from the old system is this one: the columns there may have rounded it. */
export function isSameAsOld(old: Values, candle: Values): boolean {
  return isWithin(old, candle, (field, size) => REAL_ERROR * size + halfUnit(old[field]));
}

function isWithin(
  own: Values,
  other: Values,
  errorOf: (field: (typeof FIELDS)[number], size: number) => number,
): boolean {
  return FIELDS.every((field) => {
    const [stored, shown] = [Number(own[field]), Number(other[field])];
    return Math.abs(stored - shown) <= errorOf(field, Math.max(Math.abs(stored), Math.abs(shown)));
  });
}

/** Of the last decimal that the text has. */
function halfUnit(decimal: string): number {
  return 0.5 * 10 ** -(decimal.split(".")[1]?.length ?? 0);
}
