import type { Interval } from "../contract.ts";
import type { Candle } from "./candle.ts";

/** A stored candle that an exchange is to show again; decimals as text, time in ms. */
export type Sample = {
  readonly symbol: string;
  readonly interval: Interval;
  readonly openTime: number;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  readonly volume: string;
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
/** The old system went through floats, which keep 15 digits. */
const FLOAT_ERROR = 1e-9;
const EXAMPLES = 3;

/** Whether the exchange is the one whose candles are stored, judged by the candles themselves. */
export function judgeLikeness(shown: readonly Shown[]): Likeness {
  const different = shown.filter(({ sample, candle }) => candle === null || !isSame(sample, candle));
  const equal = shown.length - different.length;
  return {
    compared: shown.length,
    equal,
    isSame: equal >= LEAST_EQUAL_SHARE * shown.length,
    different: different.slice(0, EXAMPLES),
  };
}

function isSame(sample: Sample, candle: Candle): boolean {
  return FIELDS.every((field) => {
    const [stored, shown] = [Number(sample[field]), Number(candle[field])];
    return Math.abs(stored - shown) <= FLOAT_ERROR * Math.max(Math.abs(stored), Math.abs(shown));
  });
}
