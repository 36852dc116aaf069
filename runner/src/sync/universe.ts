import { printable } from "../candle/printable.ts";
import type { Context } from "../context.ts";
import { isSymbol, parseSymbol } from "../contract/symbol.ts";
import type { Coin } from "../db/coins.ts";
import { waitForLock } from "../db/lock.ts";
import { findRankingAge, listMembers, replaceMembers } from "../db/members.ts";
import { findRefusal, noteRanking } from "../db/ranking-notes.ts";
import { withTransaction } from "../db/session.ts";
import { ExchangeFailure, garbage, isExchangeAway } from "../exchange/failure.ts";
import type { Logger } from "../log.ts";
import { HOUR_MS, renderDuration, renderTime } from "../time.ts";
import { plannerOf, type RankingRequest, refreshRanking } from "./ranking.ts";
import type { Work } from "./work.ts";

const RANKING_TTL_MS = HOUR_MS;
const FIRST_RANKING_WAIT_MS = 30_000;

type Refresh = RankingRequest & Pick<Work, "locks"> & Pick<Context, "redact">;

/** The `size` largest coins, by a ranking of the last hour where one can be had, else by the last one. */
export async function resolveUniverse(
  { db, locks, exchange, believed }: Pick<Work, "db" | "locks" | "exchange" | "believed">,
  size: number,
  { log, redact }: Pick<Context, "log" | "redact">,
): Promise<readonly Coin[]> {
  const ageMs = await findRankingAge(db);
  if (ageMs === null || ageMs > RANKING_TTL_MS) {
    await believed;
    await refreshByOne({ db, locks, exchange, size, ageMs, log, redact }).catch((error: unknown) => {
      if (ageMs === null || !(error instanceof ExchangeFailure)) throw error;
      log.warn(
        { "event.name": "ranking_kept" },
        `[RUN] the ranking of ${renderDuration(ageMs)} ago stays: ${error.message}`,
      );
    });
  }
  const members = await listMembers(db, size);
  if (members.length > 0) return withoutUnnamed(members, log);
  await believed;
  await withTransaction(db, (client) => replaceMembers(client, size, plannerOf(size)));
  return withoutUnnamed(await listMembers(db, size), log);
}

/** One process ranks, the others go on with the ranking of the last hour; only the very first one is waited for. */
async function refreshByOne(refresh: Refresh): Promise<void> {
  const { db, locks } = refresh;
  const timeoutMs = refresh.ageMs === null ? FIRST_RANKING_WAIT_MS : 0;
  if (!(await waitForLock(locks, { scope: "universe", key: "ranking", timeoutMs }))) return;
  try {
    const ageMs = await findRankingAge(db);
    if (ageMs === null) await refreshRanking({ ...refresh, ageMs });
    else if (ageMs > RANKING_TTL_MS) await refreshUnlessRefused({ ...refresh, ageMs });
  } finally {
    await locks.unlock("universe", "ranking");
  }
}

/**
 * Lists that cannot be right are remembered for a while where an older ranking can stay: each run would ask again, every
 * minute. An exchange that does not answer has refused nothing, and is asked again by the next run.
 */
async function refreshUnlessRefused(refresh: Refresh): Promise<void> {
  const { db, redact } = refresh;
  const refusal = await findRefusal(db);
  if (refusal !== null)
    throw garbage(
      `no list is asked for before ${renderTime(refusal.until)}, since they were refused at ${renderTime(refusal.at)}: ${refusal.reason}`,
    );
  try {
    await refreshRanking(refresh);
  } catch (error) {
    if (error instanceof ExchangeFailure && !isExchangeAway(error))
      await noteRanking(db, redact(error.message));
    throw error;
  }
  await noteRanking(db, null);
}

/** A name that an older version stored and that no command can name stays out: no person could ask for its candles. */
function withoutUnnamed(coins: readonly Coin[], log: Logger): readonly Coin[] {
  const named = coins.filter(({ symbol }) => isSymbol(symbol) && parseSymbol(symbol) === symbol);
  if (named.length === coins.length) return named;
  const others = coins.filter((coin) => !named.includes(coin)).map(({ symbol }) => printable(symbol, 40));
  log.warn(
    { "event.name": "coins_left_out", symbols: others.slice(0, 10) },
    `[RUN] ${others.length} stored symbols have names that no command can name and are left out, among them ${JSON.stringify(others[0])}`,
  );
  return named;
}
