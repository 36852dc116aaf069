/** A symbol as the exchange lists it. */
export type Listing = {
  readonly symbol: string;
  readonly base: string;
  readonly quote: string;
  readonly status: string;
};

/** Traded value of the last 24 hours in quote units, as text. */
export type Volume = { readonly symbol: string; readonly quoteVolume: string };
