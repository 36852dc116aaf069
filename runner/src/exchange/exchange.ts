import type { Span } from "../candle/span.ts";
import type { Interval } from "../contract/intervals.ts";
import type { BelievedList } from "./belief/lists.ts";
import type { Listings } from "./fetch-listings.ts";
import type { Listing, Volume } from "./listing.ts";

/** Where candles come from; an archive of files can be one too, although it has neither clock nor weight. */
export type CandleSource = {
  /** Raw rows of candles with open time in the span, at most 1000, oldest first. */
  fetchRows(symbol: string, interval: Interval, span: Span): Promise<readonly unknown[]>;
};

/** The calls that R3A needs, each weighed, retried by class and never sent while the address is held or banned. */
export type Exchange = CandleSource & {
  /** The exchange's time in whole ms; never ahead of it, so a candle that it calls closed is closed. */
  now(): number;
  /**
   * Reads the exchange's clock and goes by it from then on; TryAgain where it lies ahead of this machine's and the
   * database's. Returns how far this machine's is ahead of it (ms) and which exchange answered.
   */
  readClock(database: DatabaseClock): Promise<ClockReading>;
  /** Open time (ms) of the symbol's first candle ever, null where it has none. */
  fetchFirstOpen(symbol: string): Promise<number | null>;
  /** Listings of these symbols, and which of them the exchange does not know. There may be any number of names. */
  fetchListings(symbols: readonly string[]): Promise<Listings>;
  /** All symbols that trade now. */
  fetchTrading(): Promise<BelievedList<Listing>>;
  fetchVolumes(): Promise<BelievedList<Volume>>;
  /** Answers with 429 so far. */
  rateLimitHits(): number;
};

export type ClockReading = { readonly aheadMs: number; readonly origin: Origin };

/** The second witness: the database's time (ms), asked at the same moment. `isOneHost`: it is on this machine. */
type DatabaseClock = { readonly now: () => Promise<number>; readonly isOneHost: boolean };

/** Who answers: the real exchange or the simulated one, whose answers are marked. */
export type Origin = "binance" | "simulated";

/** Weight of each call in the exchange's own count. */
export const WEIGHT = { time: 1, klines: 2, listings: 20, volumes: 80 } as const;
/** The path of each request, by which messages name it. */
export const PATH = {
  time: "/api/v3/time",
  klines: "/api/v3/klines",
  listings: "/api/v3/exchangeInfo",
  volumes: "/api/v3/ticker/24hr",
} as const;

/** Weight that the exchange allows one address in a calendar minute. */
export const WEIGHT_PER_MINUTE = 6_000;
