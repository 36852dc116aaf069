import { topCoins } from "./top-coins.ts";

/** A half-open span of ms since the epoch. */
export type Span = { readonly from: number; readonly to: number };

export type MarketSymbol = {
  readonly symbol: string;
  readonly base: string;
  readonly quote: string;
  /** First minute of trading, ms, on a minute. */
  readonly listedAt: number;
  /** End of trading, ms, on a minute; null while it goes on. */
  readonly delistedAt: number | null;
  /** Spans without any candle, ascending, on minutes. */
  readonly halts: readonly Span[];
  /** State after everything above has happened; `statusAt` gives the state at a time. */
  readonly status: "TRADING" | "BREAK";
  readonly permission: "SPOT" | "LEVERAGED";
  /** The price about which the symbol swings, in quote. */
  readonly price: number;
  /** How far it swings: 1 for a coin, near 0 for a stablecoin. */
  readonly swing: number;
  /** Decimals of price and quantity; together at most 8, so that price x quantity is exact at 1e-8. */
  readonly priceDecimals: number;
  readonly quantityDecimals: number;
  /** Turnover of 24 h, in quote. */
  readonly dailyQuoteVolume: number;
  readonly dailyTrades: number;
  /** One minute in this many has a candle without a trade (volume 0, flat); 0 is never. */
  readonly quietEvery: number;
};

export type Market = readonly MarketSymbol[];

const at = (iso: string): number => Date.parse(iso);
const firstListing = at("2017-08-17T04:00:00Z");
const day = 86_400_000;

function decimalsFor(price: number): { priceDecimals: number; quantityDecimals: number } {
  if (price >= 1000) return { priceDecimals: 2, quantityDecimals: 6 };
  if (price >= 10) return { priceDecimals: 2, quantityDecimals: 4 };
  if (price >= 0.5) return { priceDecimals: 4, quantityDecimals: 3 };
  if (price >= 0.001) return { priceDecimals: 6, quantityDecimals: 1 };
  return { priceDecimals: 8, quantityDecimals: 0 };
}

/** One symbol with sensible values for everything but its coin, price and daily turnover. */
function defineSymbol(
  base: string,
  price: number,
  dailyQuoteVolume: number,
  more: Partial<MarketSymbol> = {},
): MarketSymbol {
  const quote = more.quote ?? "USDT";
  return {
    symbol: base + quote,
    base,
    quote,
    listedAt: firstListing,
    delistedAt: null,
    halts: [],
    status: "TRADING",
    permission: "SPOT",
    price,
    swing: 1,
    ...decimalsFor(price),
    dailyQuoteVolume,
    dailyTrades: Math.max(20, Math.round(dailyQuoteVolume / 900)),
    quietEvery: 0,
    ...more,
  };
}

function rankedSymbol(index: number): MarketSymbol {
  const [base, price] = topCoins[index] ?? [`S${String(index + 1).padStart(4, "0")}`, 0.5 + (index % 40) / 8];
  // Turnover falls as 1/rank; all listings fall between August 2017 and the end of 2019.
  return defineSymbol(base, price, 2e9 / (index + 1), {
    listedAt: firstListing + (index < 2 ? 0 : (index * 13 * day) % (860 * day)),
  });
}

/** The symbols that catch mistakes: what a universe must leave out, and what lists, halts and ends. */
function specialSymbols(): MarketSymbol[] {
  const leveraged = {
    listedAt: at("2020-05-14T06:00:00Z"),
    delistedAt: at("2024-04-03T03:00:00Z"),
    status: "BREAK",
    permission: "LEVERAGED",
  } as const;
  const stable = { swing: 0.001, priceDecimals: 4, quantityDecimals: 2 };
  return [
    defineSymbol("USDC", 1.0002, 6e9, { ...stable, listedAt: at("2018-12-15T03:00:00Z") }),
    defineSymbol("FDUSD", 0.9991, 5e9, { ...stable, listedAt: at("2023-07-26T08:00:00Z") }),
    defineSymbol("BTCUP", 48, 3e7, leveraged),
    defineSymbol("BTCDOWN", 0.004, 2e7, leveraged),
    defineSymbol("ETH", 0.05, 2_500, {
      quote: "BTC",
      listedAt: at("2017-07-14T04:00:00Z"),
      priceDecimals: 5,
      quantityDecimals: 3,
      dailyTrades: 120_000,
    }),
    defineSymbol("LATE", 3.3, 500_000, { listedAt: at("2024-03-15T08:07:00Z"), quietEvery: 16 }),
    defineSymbol("HALT", 12, 400_000, {
      listedAt: at("2019-01-01T00:00:00Z"),
      halts: [
        { from: at("2024-02-10T02:00:00Z"), to: at("2024-02-10T05:30:00Z") },
        { from: at("2024-05-01T00:10:00Z"), to: at("2024-05-01T00:25:00Z") },
      ],
    }),
    defineSymbol("GONE", 0.7, 300_000, {
      listedAt: at("2019-06-01T10:00:00Z"),
      delistedAt: at("2024-06-30T03:00:00Z"),
      status: "BREAK",
    }),
  ];
}

/** A market of `count` trading USDT symbols, the largest first, and the special symbols beside them. */
export function defaultMarket(count = 60): Market {
  return [...Array.from({ length: count }, (_, index) => rankedSymbol(index)), ...specialSymbols()];
}

/** The status that exchangeInfo gives at `now` (ms); null before the listing. */
export function statusAt(entry: MarketSymbol, now: number): "TRADING" | "BREAK" | null {
  if (now < entry.listedAt) return null;
  if (entry.halts.some((halt) => now >= halt.from && now < halt.to)) return "BREAK";
  if (entry.delistedAt !== null && now < entry.delistedAt) return "TRADING";
  return entry.status;
}
