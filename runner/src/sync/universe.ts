import { printable } from "../candle/printable.ts";
import { isSymbol, parseSymbol } from "../candle/symbol.ts";
import type { Context } from "../context.ts";
import type { Coin } from "../db/coins.ts";
import type { Database } from "../db/connect.ts";
import { type LockSession, waitForLock } from "../db/lock.ts";
import { findRankingAge, listMembers, replaceMembers } from "../db/members.ts";
import { findRefusal, noteRanking } from "../db/ranking-notes.ts";
import { withTransaction } from "../db/session.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { ExchangeFailure, isTransient } from "../exchange/failure.ts";
import type { Logger } from "../log.ts";
import { HOUR_MS, renderDuration, renderTime } from "../time.ts";
import { plannerOf, refreshRanking } from "./ranking.ts";
import type { Work } from "./work.ts";

const RANKING_TTL_MS = HOUR_MS;
const FIRST_RANKING_WAIT_MS = 30_000;

type Told = Pick<Context, "log" | "redact">;

/** The `size` largest coins, by a ranking of the last hour where one can be had, else by the last one. */
export async function resolveUniverse(
  { db, locks, exchange, believed }: Pick<Work, "db" | "locks" | "exchange" | "believed">,
  size: number,
  { log, redact }: Told,
): Promise<readonly Coin[]> {
  const age = await findRankingAge(db);
  if (age === null || age > RANKING_TTL_MS) {
    await believed;
    await refreshByOne(db, locks, exchange, size, age === null, { log, redact }).catch((error: unknown) => {
      if (age === null || !(error instanceof ExchangeFailure)) throw error;
      log.warn(
        { "event.name": "ranking_kept" },
        `[RUN] the ranking of ${renderDuration(age)} ago stays: ${error.message}`,
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
async function refreshByOne(
  db: Database,
  locks: LockSession,
  exchange: Exchange,
  size: number,
  isFirst: boolean,
  told: Told,
): Promise<void> {
  if (
    !(await waitForLock(locks, {
      scope: "universe",
      key: "ranking",
      timeoutMs: isFirst ? FIRST_RANKING_WAIT_MS : 0,
    }))
  )
    return;
  try {
    const age = await findRankingAge(db);
    if (age === null) await refreshRanking(db, exchange, size, null, told.log);
    else if (age > RANKING_TTL_MS) await refreshUnlessRefused(db, exchange, size, age, told);
  } finally {
    await locks.unlock("universe", "ranking");
  }
}

/**
 * Lists that cannot be right are remembered for a while where an older ranking can stay: each run would ask again, every
 * minute. An exchange that does not answer has refused nothing, and is asked again by the next run.
 */
async function refreshUnlessRefused(
  db: Database,
  exchange: Exchange,
  size: number,
  age: number,
  { log, redact }: Told,
): Promise<void> {
  const refusal = await findRefusal(db);
  if (refusal !== null)
    throw new ExchangeFailure(
      "garbage",
      `no list is asked for before ${renderTime(refusal.until)}, since they were refused at ${renderTime(refusal.at)}: ${refusal.reason}`,
    );
  try {
    await refreshRanking(db, exchange, size, age, log);
  } catch (error) {
    if (error instanceof ExchangeFailure && !isTransient(error.kind))
      await noteRanking(db, redact(error.message));
    throw error;
  }
  await noteRanking(db, null);
}

/** A name that an older version stored and that no command can name stays out, or nobody could ever look at its candles. */
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
