/**
 * The farthest that a time of the exchange may lie ahead (ms): its clock and the budget's minute before the other clocks,
 * a hold after 429, 403 or 503, a ban after 418 (Binance's longest one is three days). What is further is brought here.
 */
export const FARTHEST_MS = { clock: 120_000, hold: 3_600_000, ban: 3 * 86_400_000 } as const;
