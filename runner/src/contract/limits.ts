/**
 * How far ahead of now a time that comes from the exchange may lie, in ms; a later time is cut to this. `clock`: the
 * clock of the exchange, and with it the minute of the weight budget. `hold`: the end of a wait after 429, 403 or 503.
 * `ban`: the end of a ban after 418; the longest ban of Binance is three days.
 */
export const FARTHEST_MS = { clock: 120_000, hold: 3_600_000, ban: 3 * 86_400_000 } as const;

/**
 * How far ahead of the own clock FALLBACK_START may lie, in ms: a clock may be wrong by hours. No candle is as young as
 * a later start, so sync would store nothing.
 */
export const FALLBACK_START_GRACE_MS = 86_400_000;
