import {
  addCoins,
  type Coin,
  findCoins,
  findRankingAge,
  listMembers,
  listSizes,
  replaceMembers,
  upsertCoins,
} from "../db/coins.ts";
import { type Database, withTransaction } from "../db/connect.ts";
import { type LockSession, waitForLock } from "../db/lock.ts";
import { UsageFault } from "../errors.ts";
import type { Exchange, Listing, Volume } from "../exchange/exchange.ts";
import { ExchangeFailure } from "../exchange/failure.ts";
import type { Logger } from "../log.ts";
import { renderDuration } from "../time.ts";
import { planMembers, rankSymbols } from "../universe/plan.ts";

const RANKING_TTL_MS = 3_600_000;
/** A listing that was looked up within this is not asked for again. */
const LISTING_TTL = "24 hours";
const FIRST_RANKING_WAIT_MS = 30_000;

export type UniverseWish = {
  /** Named symbols, or null for the `size` largest. */
  readonly symbols: readonly string[] | null;
  readonly size: number;
};

/** The coins that a command works on; those that it meets for the first time are stored. */
export async function resolveUniverse(
  db: Database,
  locks: LockSession,
  exchange: Exchange,
  wish: UniverseWish,
  log: Logger,
): Promise<readonly Coin[]> {
  if (wish.symbols !== null) return resolveSymbols(db, exchange, wish.symbols);
  const age = await findRankingAge(db);
  if (age === null || age > RANKING_TTL_MS) {
    await refreshRanking(db, locks, exchange, wish.size, age === null).catch((error: unknown) => {
      if (age === null || !(error instanceof ExchangeFailure)) throw error;
      log.warn(
        { "event.name": "ranking_kept" },
        `the ranking of ${renderDuration(age)} ago stays: ${error.message}`,
      );
    });
  }
  const members = await listMembers(db, wish.size);
  if (members.length > 0) return members;
  await withTransaction(db, (client) => replaceMembers(client, wish.size, plannerOf(wish.size)));
  return listMembers(db, wish.size);
}

/** Everything that trades now, with its volume: what a ranking is made of. */
export async function fetchCandidates(exchange: Exchange): Promise<readonly (Listing & Volume)[]> {
  const [volumes, trading] = await Promise.all([exchange.fetchVolumes(), exchange.fetchTrading()]);
  const volumeOf = new Map(volumes.entries.map(({ symbol, quoteVolume }) => [symbol, quoteVolume]));
  return trading.entries.map((listing) => ({ ...listing, quoteVolume: volumeOf.get(listing.symbol) ?? "0" }));
}

/** Unknown symbols are one UsageFault that names them all. */
export async function fetchKnownListings(
  exchange: Exchange,
  symbols: readonly string[],
): Promise<readonly Listing[]> {
  const { listings } = await exchange.fetchListings(symbols);
  const listed = new Set(listings.map(({ symbol }) => symbol));
  const unknown = symbols.filter((symbol) => !listed.has(symbol));
  if (unknown.length > 0)
    throw new UsageFault([`the exchange does not know ${unknown.join(", ")} (nothing was changed)`]);
  return listings;
}

async function resolveSymbols(
  db: Database,
  exchange: Exchange,
  symbols: readonly string[],
): Promise<readonly Coin[]> {
  const known = new Set((await findCoins(db, symbols, LISTING_TTL)).map(({ symbol }) => symbol));
  const asked = symbols.filter((symbol) => !known.has(symbol));
  const listings = await fetchKnownListings(exchange, asked);
  if (listings.length > 0)
    await addCoins(
      db,
      listings.map((listing) => ({ ...listing, quoteVolume: null, rank: null })),
    );
  return findCoins(db, symbols, null);
}

/** One process ranks, the others go on with the ranking of the last hour; only the very first one is waited for. */
async function refreshRanking(
  db: Database,
  locks: LockSession,
  exchange: Exchange,
  size: number,
  isFirst: boolean,
): Promise<void> {
  if (!(await waitForLock(locks, "universe", "ranking", isFirst ? FIRST_RANKING_WAIT_MS : 0))) return;
  try {
    const age = await findRankingAge(db);
    if (age !== null && age <= RANKING_TTL_MS) return;
    const candidates = await fetchCandidates(exchange);
    const rankOf = new Map(rankSymbols(candidates).map((symbol, index) => [symbol, index + 1]));
    await withTransaction(db, async (client) => {
      await upsertCoins(
        client,
        candidates.map((coin) => ({ ...coin, rank: rankOf.get(coin.symbol) ?? null })),
        true,
      );
      for (const each of new Set([...(await listSizes(client)), size]))
        await replaceMembers(client, each, plannerOf(each));
    });
  } finally {
    await locks.unlock("universe", "ranking");
  }
}

function plannerOf(size: number): Parameters<typeof replaceMembers>[2] {
  return (ranking, members) => planMembers(size, ranking, members, Date.now());
}
