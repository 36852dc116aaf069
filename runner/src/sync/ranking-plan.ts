import { DAY_MS } from "../time.ts";
import { type Candidate, LEAVE_BEYOND, rankSymbols } from "./universe-plan.ts";

/** A symbol that traded as far as the database knows; `quoteVolume` of the last ranking that had one. */
type KnownCoin = { readonly symbol: string; readonly quoteVolume: string | null };

/** What an exchange's two lists say, beside what is known. `volumeOf` holds the volumes that came. */
export type RankingFacts = {
  readonly listed: readonly Omit<Candidate, "quoteVolume">[];
  readonly volumeOf: ReadonlyMap<string, string>;
  readonly known: readonly KnownCoin[];
  /** How many of the largest are wanted. */
  readonly size: number;
  /** Age of the ranking that counts until now, ms; null where there is none. */
  readonly ageMs: number | null;
};

/** So few known symbols may all have ended. To look up each of them says more than their share. */
const FEW_KNOWN = 4;
/** So few members may all fall behind at once. */
const FEW_MEMBERS = 5;
/** After so long without a ranking most of what was known may really have gone. */
const STALE_MS = 30 * DAY_MS;

/** Symbols that traded and are missing from the list. */
export function listMissingSymbols({ listed, known }: Pick<RankingFacts, "listed" | "known">): string[] {
  const names = new Set(listed.map(({ symbol }) => symbol));
  return known.flatMap(({ symbol }) => (names.has(symbol) ? [] : [symbol]));
}

/** Why the lists cannot be right as a whole; null where they can. What is missing in an answer is no fact yet. */
export function refuseLists(facts: RankingFacts): string | null {
  const { listed, volumeOf, known, size, ageMs } = facts;
  if (listed.length === 0) return "no symbol is listed as trading";
  const isStale = ageMs !== null && ageMs > STALE_MS;
  const missing = listMissingSymbols(facts).length;
  if (!isStale && known.length >= FEW_KNOWN && missing * 2 > known.length)
    return `${missing} of ${known.length} symbols that traded are not listed as trading any more`;
  const traded = known.filter(({ quoteVolume }) => isTraded(quoteVolume));
  if (traded.length > 0) {
    const silent = traded.filter(({ symbol }) => !isTraded(volumeOf.get(symbol))).length;
    return !isStale && silent * 2 > traded.length
      ? `${silent} of ${traded.length} symbols that had a volume have none`
      : null;
  }
  const eligible = rankSymbols(listed.map((one) => ({ ...one, quoteVolume: "0" })));
  const withTicker = eligible.filter((symbol) => volumeOf.has(symbol)).length;
  const withVolume = eligible.filter((symbol) => isTraded(volumeOf.get(symbol))).length;
  if (
    withVolume === 0 ||
    withTicker * 2 < eligible.length ||
    withVolume < Math.min(size, eligible.length / 2)
  )
    return `only ${withVolume} of ${eligible.length} USDT symbols have a volume`;
  return null;
}

/** The listed symbols with a volume above 0, the last known one where none came; each is ranked. */
export function listCandidates<T extends Omit<Candidate, "quoteVolume">>({
  listed,
  volumeOf,
  known,
}: Pick<RankingFacts, "volumeOf" | "known"> & { readonly listed: readonly T[] }): (T & {
  readonly quoteVolume: string;
})[] {
  const lastOf = new Map(known.map(({ symbol, quoteVolume }) => [symbol, quoteVolume]));
  return listed.flatMap((one) => {
    const quoteVolume = volumeOf.get(one.symbol) ?? lastOf.get(one.symbol) ?? null;
    return isTraded(quoteVolume) ? [{ ...one, quoteVolume }] : [];
  });
}

/** Why the ranking cannot be right: most members of "the `size` largest" would be far behind at once. Null where it can. */
export function refuseLeavers({
  size,
  ranking,
  members,
  ageMs,
}: Pick<RankingFacts, "size" | "ageMs"> & {
  readonly ranking: readonly string[];
  readonly members: readonly string[];
}): string | null {
  if (members.length < FEW_MEMBERS || (ageMs !== null && ageMs > STALE_MS)) return null;
  const near = new Set(ranking.slice(0, Math.floor(size * LEAVE_BEYOND)));
  const leaving = members.filter((symbol) => !near.has(symbol)).length;
  return leaving * 2 > members.length
    ? `${leaving} of ${members.length} members of the ${size} largest would be behind at once`
    : null;
}

function isTraded(quoteVolume: string | null | undefined): quoteVolume is string {
  return quoteVolume != null && Number(quoteVolume) > 0;
}
