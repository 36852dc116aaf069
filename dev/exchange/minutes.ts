import { minuteWidth } from "./interval.ts";
import type { MarketSymbol } from "./market.ts";
import { mix, octave, swing, textSeed } from "./noise.ts";

/**
 * Layout of one candle's numbers. Prices are in ticks, volumes in lots, quote volumes in tick x lot.
 * A day's quote volume passes 2^53, so it is kept in two slots: high (whole quote units) and low (the rest).
 */
export const slot = {
  open: 0,
  high: 1,
  low: 2,
  close: 3,
  volume: 4,
  quoteLow: 5,
  quoteHigh: 6,
  trades: 7,
  takerVolume: 8,
  takerLow: 9,
  takerHigh: 10,
} as const;

export type CandleNumbers = Float64Array;

export function createCandleNumbers(): CandleNumbers {
  return new Float64Array(11);
}

/** Writes minute `minute` (since the epoch) into `out`; `elapsed` in [0, 1] is how much of it has passed. */
export type MinuteReader = (minute: number, elapsed: number, out: CandleNumbers) => void;

// Minutes in one block of the slow noise, and its octaves: [period in blocks, amplitude]. Their sum stays
// below 1, so a price cannot reach zero.
const block = 64;
const slowOctaves: readonly (readonly [number, number])[] = [
  [1, 0.015],
  [8, 0.035],
  [64, 0.08],
  [512, 0.15],
  [4096, 0.35],
];
const shortPeriod = 8;

/** A reader for one symbol. Fastest when minutes are asked in ascending order; any order gives the same. */
export function createMinuteReader(entry: MarketSymbol): MinuteReader {
  const seed = textSeed(entry.symbol);
  const [noiseSeed, wickSeed, volumeSeed] = [mix(seed, 1), mix(seed, 2), mix(seed, 3)];
  const shortSeed = mix(seed, 4);
  const slowSeeds = slowOctaves.map((_, index) => mix(seed, 10 + index));
  const referenceTicks = entry.price * 10 ** entry.priceDecimals;
  const perMinute = (entry.dailyQuoteVolume / 1440) * 10 ** (entry.priceDecimals + entry.quantityDecimals);
  const range = entry.swing;
  const { quietEvery } = entry;
  const tradesPerMinute = entry.dailyTrades / 1440;

  function slow(index: number): number {
    let sum = 0;
    for (const [at, [period, amplitude]] of slowOctaves.entries())
      sum += amplitude * octave(slowSeeds[at] ?? 0, index, period);
    return sum;
  }

  // Typed arrays and no returned doubles: V8 allocates for a double that is captured or returned, and a
  // page of daily candles reads 1.4 million minutes. Layout: block, its noise, the next block's; short cell,
  // its noise, the next one's; minute boundary, its price.
  const memo = new Float64Array([-1, 0, 0, -1, 0, 0, -1, 0]);

  /** Leaves the price (ticks) at the start of `minute` in memo[7]. */
  function findPrice(minute: number): void {
    const index = Math.floor(minute / block);
    if (memo[0] !== index) {
      memo[1] = memo[0] === index - 1 ? (memo[2] ?? 0) : slow(index);
      memo[2] = slow(index + 1);
      memo[0] = index;
    }
    const cell = Math.floor(minute / shortPeriod);
    if (memo[3] !== cell) {
      memo[4] = memo[3] === cell - 1 ? (memo[5] ?? 0) : 0.003 * swing(shortSeed, cell);
      memo[5] = 0.003 * swing(shortSeed, cell + 1);
      memo[3] = cell;
    }
    const drift = memo[1] ?? 0;
    const ripple = memo[4] ?? 0;
    const noise =
      drift +
      ((memo[2] ?? 0) - drift) * ((minute - index * block) / block) +
      ripple +
      ((memo[5] ?? 0) - ripple) * ((minute - cell * shortPeriod) / shortPeriod) +
      0.0008 * swing(noiseSeed, minute);
    memo[6] = minute;
    memo[7] = Math.max(2, Math.floor(referenceTicks * (1 + range * noise)));
  }

  return (minute, elapsed, out) => {
    if (memo[6] !== minute) findPrice(minute);
    const open = memo[7] ?? 0;
    findPrice(minute + 1);
    let close = memo[7] ?? 0;
    const wicks = mix(wickSeed, minute);
    const reach = (0.0006 / 512) * range * open;
    let high = Math.max(open, close) + Math.floor(reach * (wicks & 1023));
    let low = Math.max(1, Math.min(open, close) - Math.floor(reach * ((wicks >>> 10) & 1023)));
    // The two minutes of a pair deviate by the same amount in opposite directions: 24 h turnover stays put.
    const deviation = swing(volumeSeed, minute >>> 1) * 0.7;
    const activity = (minute & 1) === 0 ? 1 + deviation : 1 - deviation;
    let average = Math.floor((open + high + low + close) * 0.25);
    let volume = Math.max(1, Math.floor((perMinute * activity) / average));
    let trades = Math.min(volume, Math.max(1, Math.floor(tradesPerMinute * activity)));
    let takerVolume = Math.floor(volume * (0.3 + (wicks >>> 20) * 0.0001));
    const quiet = quietEvery > 0 && (mix(volumeSeed, ~minute) >>> 1) % quietEvery === 0;
    if (elapsed < 1 || quiet) {
      volume = quiet ? 0 : Math.floor(volume * elapsed);
      takerVolume = Math.floor(takerVolume * (quiet ? 0 : elapsed));
      trades = volume === 0 ? 0 : Math.min(volume, Math.max(1, Math.floor(trades * elapsed)));
      const reached = volume === 0 ? 0 : elapsed;
      close = open + Math.trunc((close - open) * reached);
      high = Math.max(open, close, open + Math.floor((high - open) * reached));
      low = Math.min(open, close, open - Math.floor((open - low) * reached));
      average = Math.floor((open + high + low + close) * 0.25);
    }
    out[slot.open] = open;
    out[slot.high] = high;
    out[slot.low] = low;
    out[slot.close] = close;
    out[slot.volume] = volume;
    out[slot.quoteLow] = volume * average;
    out[slot.quoteHigh] = 0;
    out[slot.trades] = trades;
    out[slot.takerVolume] = takerVolume;
    out[slot.takerLow] = takerVolume * average;
    out[slot.takerHigh] = 0;
  };
}

/** How much of the minute that opens at `open` (ms) has passed at `now`, 0 to 1. */
export function elapsedOf(open: number, now: number): number {
  return Math.min(1, Math.max(0, (now - open) / minuteWidth));
}
