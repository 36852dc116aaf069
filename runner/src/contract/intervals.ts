/** The closed set of candle widths, fine to coarse. Case matters: `1M` would be a month. */
export const INTERVALS = ["1m", "15m", "1h", "4h", "1d"] as const;
export type Interval = (typeof INTERVALS)[number];

const MINUTE_MS = 60_000;

/** Width of one candle in milliseconds. All five widths divide the UTC day, so slots align with the epoch. */
export const WIDTH_MS: Readonly<Record<Interval, number>> = {
  "1m": MINUTE_MS,
  "15m": 15 * MINUTE_MS,
  "1h": 60 * MINUTE_MS,
  "4h": 240 * MINUTE_MS,
  "1d": 1440 * MINUTE_MS,
};
