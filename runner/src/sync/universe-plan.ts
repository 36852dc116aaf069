import { DAY_MS } from "../time.ts";

/** A symbol that trades, as far as ranking needs it. `quoteVolume`: 24 h, quote units, text. */
export type Candidate = {
  readonly symbol: string;
  readonly base: string;
  readonly quote: string;
  readonly quoteVolume: string;
};

const DOLLAR_COINS =
  "USDT USDC FDUSD TUSD BUSD USDP PAX DAI USDD UST USTC SUSD GUSD USD1 USDE PYUSD RLUSD XUSD BFUSD USDS USDSB VAI U";
const CURRENCIES = "EUR GBP AUD TRY BRL RUB UAH NGN ZAR EURI EURT AEUR IDRT BIDR BVND BKRW";
/** Stable against the dollar or another currency: their candles say nothing about a market. */
const STABLE_BASES: ReadonlySet<string> = new Set(`${DOLLAR_COINS} ${CURRENCIES}`.split(" "));

const LEVERAGED = /^(.+?)(UP|DOWN|BULL|BEAR)$/;

/**
 * USDT symbols by quote volume, largest first, without stablecoins and leveraged tokens. A token is leveraged when its
 * base is another base plus UP, DOWN, BULL or BEAR: BTCUP is, JUP and SYRUP are not.
 */
export function rankSymbols(candidates: readonly Candidate[]): readonly string[] {
  const bases = new Set(candidates.map(({ base }) => base));
  const isLeveraged = (base: string) => bases.has(LEVERAGED.exec(base)?.[1] ?? "");
  return candidates
    .filter(({ base, quote }) => quote === "USDT" && !STABLE_BASES.has(base) && !isLeveraged(base))
    .toSorted((a, b) => Number(b.quoteVolume) - Number(a.quoteVolume) || (a.symbol < b.symbol ? -1 : 1))
    .map(({ symbol }) => symbol);
}

type Ranked = { readonly coinId: number; readonly rank: number };
type Membership = {
  readonly coinId: number;
  readonly enteredAt: number;
  readonly beyondSince: number | null;
};

const LEAVE_AFTER_MS = DAY_MS;
export const LEAVE_BEYOND = 1.5;

/**
 * Members of "the `size` largest" after a new ranking: entered at rank `size`, left after 24 h beyond 1.5 times it, so
 * that a symbol at the edge does not enter and leave again and again, with gaps between. Times in ms.
 */
export function planMembers(
  {
    size,
    ranking,
    members,
  }: { readonly size: number; readonly ranking: readonly Ranked[]; readonly members: readonly Membership[] },
  now: number,
): readonly Membership[] {
  const rankOf = new Map(ranking.map(({ coinId, rank }) => [coinId, rank]));
  const known = new Set(members.map(({ coinId }) => coinId));
  const staying = members.flatMap((member) => {
    const isWithin = (rankOf.get(member.coinId) ?? Number.POSITIVE_INFINITY) <= size * LEAVE_BEYOND;
    const beyondSince = isWithin ? null : (member.beyondSince ?? now);
    return beyondSince !== null && now - beyondSince >= LEAVE_AFTER_MS ? [] : [{ ...member, beyondSince }];
  });
  const entering = ranking.flatMap(({ coinId, rank }) =>
    rank <= size && !known.has(coinId) ? [{ coinId, enteredAt: now, beyondSince: null }] : [],
  );
  return [...staying, ...entering];
}
