/** Width of one candle in ms, for the closed set of intervals that the simulated exchange answers. */
export const intervalWidths = {
  "1m": 60_000,
  "15m": 900_000,
  "1h": 3_600_000,
  "4h": 14_400_000,
  "1d": 86_400_000,
} as const;

export type Interval = keyof typeof intervalWidths;

export const minuteWidth = intervalWidths["1m"];

/** Whether `text` names an interval of the closed set. Case matters: 1M is a month at Binance. */
export function isInterval(text: string): text is Interval {
  return Object.hasOwn(intervalWidths, text);
}
