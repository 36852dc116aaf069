/** The closed set of candle widths, fine to coarse. Case matters: `1M` would be a month. */
export const INTERVALS = ["1m", "15m", "1h", "4h", "1d"] as const;
export type Interval = (typeof INTERVALS)[number];
