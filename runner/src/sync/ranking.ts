import { type CoinUpdate, closeCoins, listKnown, upsertCoins } from "../db/coins.ts";
import { withClient } from "../db/connect.ts";
import { listMembers, listSizes, replaceMembers } from "../db/members.ts";
import { withTransaction } from "../db/session.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { ExchangeFailure, garbage } from "../exchange/failure.ts";
import type { Listing } from "../exchange/listing.ts";
import type { Logger } from "../log.ts";
import {
  listCandidates,
  listMissingSymbols,
  type RankingFacts,
  refuseLeavers,
  refuseLists,
} from "./ranking-plan.ts";
import { planMembers, rankSymbols } from "./universe-plan.ts";
import type { Work } from "./work.ts";

/** A ranking that can be believed: what trades with its volume, largest first, and what was found to have ended. */
type Ranking = {
  readonly coins: readonly CoinUpdate[];
  readonly ended: readonly Listing[];
  readonly delisted: readonly string[];
};

/** What a ranking needs. */
export type RankingRequest = Pick<Work, "db" | "exchange"> &
  Pick<RankingFacts, "size" | "ageMs"> & { readonly log: Logger };

/** Ranks what trades now, and stores it. An answer that cannot be right is an ExchangeFailure, and changes nothing. */
export async function refreshRanking(request: RankingRequest): Promise<void> {
  const { db, size, ageMs } = request;
  const ranking = await fetchRanking(request);
  const symbols = listRanked(ranking);
  const sizes = await withClient(db, listSizes);
  for (const each of sizes) {
    const members = (await listMembers(db, each)).map(({ symbol }) => symbol);
    const refusal = refuseLeavers({ size: each, ranking: symbols, members, ageMs });
    if (refusal !== null) throw unbelievable(refusal);
  }
  await withTransaction(db, async (client) => {
    const ended = ranking.ended.map((listing) => ({ ...listing, quoteVolume: null, rank: null }));
    await upsertCoins(client, [...ranking.coins, ...ended], true);
    await closeCoins(client, ranking.delisted);
    for (const each of new Set([...sizes, size])) await replaceMembers(client, each, plannerOf(each));
  });
}

/** The ranking of now beside what the database knows; nothing is stored. */
export async function fetchRanking({ db, exchange, size, ageMs, log }: RankingRequest): Promise<Ranking> {
  const [known, volumes, trading] = await Promise.all([
    listKnown(db),
    exchange.fetchVolumes(),
    exchange.fetchTrading(),
  ]);
  const volumeOf = new Map(volumes.entries.map(({ symbol, quoteVolume }) => [symbol, quoteVolume]));
  const facts: RankingFacts = { listed: trading.entries, volumeOf, known, size, ageMs };
  const refusal = refuseLists(facts);
  if (refusal !== null) throw unbelievable(refusal);

  // what a list lacks may have ended, or its entry was broken: each is asked for by its name
  const missing = listMissingSymbols(facts);
  const { ended, delisted } = await lookUpMissing(exchange, missing, log);
  const gone = new Set([...delisted, ...ended.map(({ symbol }) => symbol)]);
  const kept = known.filter(({ symbol }) => missing.includes(symbol) && !gone.has(symbol));
  const listed = [...trading.entries, ...kept.map((coin) => ({ ...coin, status: "TRADING" }))];
  const candidates = listCandidates({ listed, volumeOf, known });
  const rankOf = new Map(rankSymbols(candidates).map((symbol, index) => [symbol, index + 1]));
  return {
    coins: listed.map(({ symbol, base, quote, status }) => ({
      ...{ symbol, base, quote, status },
      quoteVolume: volumeOf.get(symbol) ?? null,
      rank: rankOf.get(symbol) ?? null,
    })),
    ended,
    delisted,
  };
}

async function lookUpMissing(
  exchange: Exchange,
  missing: readonly string[],
  log: Logger,
): Promise<Pick<Ranking, "ended" | "delisted">> {
  if (missing.length === 0) return { ended: [], delisted: [] };
  try {
    const { listings, unknown } = await exchange.fetchListings(missing);
    return { ended: listings.filter(({ status }) => status !== "TRADING"), delisted: unknown };
  } catch (error) {
    if (!(error instanceof ExchangeFailure)) throw error;
    log.warn(
      { "event.name": "listings_kept", symbols: missing.length },
      `[RUN] ${missing.length} symbols are not listed as trading any more, and asking for each failed; they stay as they are: ${error.message}`,
    );
    return { ended: [], delisted: [] };
  }
}

export function plannerOf(size: number): Parameters<typeof replaceMembers>[2] {
  return (ranking, members) => planMembers({ size, ranking, members }, Date.now());
}

/** The symbols that have a rank, largest first. */
export function listRanked({ coins }: Ranking): readonly string[] {
  return coins
    .flatMap(({ symbol, rank }) => (rank === null ? [] : [{ symbol, rank }]))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ symbol }) => symbol);
}

function unbelievable(refusal: string): ExchangeFailure {
  return garbage(`the exchange's lists of symbols and volumes cannot be right: ${refusal}`);
}
