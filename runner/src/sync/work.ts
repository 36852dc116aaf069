import { setImmediate } from "node:timers/promises";
import type { Context } from "../context.ts";
import type { CommandName } from "../contract/commands.ts";
import type { ExitCode } from "../contract/exits.ts";
import { openBudget } from "../db/budget.ts";
import { findDatabaseTime } from "../db/clock.ts";
import { closeDatabase, type Database, openDatabase } from "../db/connect.ts";
import { isThisHost } from "../db/connection/tls.ts";
import { createLockSession, type LockSession } from "../db/lock.ts";
import { addressOf, claimOrigin, findOrigin, refuseOther } from "../db/origin.ts";
import { waitForSchema } from "../db/schema/schema.ts";
import { TryAgain } from "../errors.ts";
import { createBinance } from "../exchange/binance.ts";
import { type ClockReading, type Exchange, WEIGHT_PER_MINUTE } from "../exchange/exchange.ts";
import { ExchangeFailure, isTransient } from "../exchange/failure.ts";
import { createLimiter } from "../exchange/limiter.ts";
import { listProxyVariables } from "../exchange/proxy.ts";
import { type RunReport, withRun } from "../run.ts";
import type { Settings } from "../settings/table.ts";
import { renderDuration } from "../time.ts";

export type WorkSettings = Pick<Settings, "dbUrl" | "exchangeUrl" | "weightLimit" | "egressKey">;
export const WORK_SETTINGS = ["dbUrl", "exchangeUrl", "weightLimit", "egressKey"] as const;

/** The parts that work on series needs, opened, checked and bound to one signal. */
export type Work = {
  readonly db: Database;
  readonly locks: LockSession;
  readonly exchange: Exchange;
  readonly exchangeUrl: string;
  /**
   * Resolves when the exchange's clock and identity are believed. Before that nothing may ask the exchange or its time,
   * or store a candle; what the database alone says may be read meanwhile (15 ms of a minute job).
   */
  readonly believed: Promise<void>;
  /** The command's signal, also aborted when the locks are lost. */
  readonly signal: AbortSignal;
  readonly report: RunReport;
};

/** Backfill and gap repair leave the rest to the minute jobs, which they must never starve. */
export const BACKGROUND_WEIGHT_SHARE = 0.6;

const LONGEST_REQUEST_MS = 10_000;
const SHORTEST_REQUEST_MS = 1_000;
/** At most 3 s between four tries, and the start of the process on a busy machine. */
const WAITS_MS = 8_000;
/** Our clock this far from the exchange's is worth a word; what counts as closed is decided by the exchange's. */
const CLOCK_WARNING_MS = 5_000;
/** Without a deadline a person waits: say soon that the database is away. */
const PATIENCE_MS = 10_000;

/** A third of the deadline may go into waiting for the database, the rest is for the work. */
export function patienceMs(deadlineS: number | null): number {
  return deadlineS === null ? PATIENCE_MS : (deadlineS * 1000) / 3;
}

/** `isBackground`: takes at most 60 % of the exchange's weight. `isReadOnly`: a plan; no ledger row, nothing claimed. */
export type WorkRun = {
  readonly command: CommandName;
  readonly args: string;
  readonly isBackground: boolean;
  readonly isReadOnly: boolean;
  /** Why candles are taken from an exchange whose candles are not the stored ones; null: they are not. */
  readonly acceptExchange: string | null;
};

/**
 * Opens database, locks and exchange, refuses a database of another exchange, and runs `work` as one run of the
 * ledger.
 */
export async function withWork(
  context: Context,
  settings: WorkSettings,
  run: WorkRun,
  work: (tools: Work) => Promise<ExitCode>,
): Promise<ExitCode> {
  const db = openDatabase(settings.dbUrl, `${run.command} ${context.runId.slice(0, 13)}`);
  const locks = createLockSession(db, context.signal);
  const { signal } = locks;
  try {
    const ready = openWhenMigrated(db, locks, patienceMs(context.deadlineS), context.signal);
    ready.catch(() => {}); // awaited below, after what can be made in the meantime (30 ms of a minute job)
    const share = run.isBackground
      ? Math.min(BACKGROUND_WEIGHT_SHARE, settings.weightLimit)
      : settings.weightLimit;
    const budget = openBudget(db, settings.egressKey);
    const exchange = createBinance({
      url: settings.exchangeUrl,
      createLimiter: (now) => createLimiter(budget, share * WEIGHT_PER_MINUTE, now, signal),
      timeoutMs: requestTimeoutMs(context.deadlineS),
      signal,
      onRetry: (failure, attempt) =>
        context.log.debug({ "event.name": "request_retried", attempt }, failure.message),
      onLeftOut: (path, { leftOut, examples }) =>
        context.log.warn(
          { "event.name": "entries_left_out", path, left_out: leftOut, examples },
          `[RUN] ${leftOut} entries of ${path} cannot be right and are left out, among them ${examples.map((each) => JSON.stringify(each)).join(", ")}`,
        ),
    });
    await ready;
    // asked while the run is being opened: a round trip to the exchange is a tenth of a minute job
    const clock = exchange.readClock({
      now: () => findDatabaseTime(db),
      isOneHost: isThisHost(settings.dbUrl),
    });
    clock.catch(() => {}); // awaited in the run, which must record its failure
    const checked = async (report: RunReport): Promise<ExitCode> => {
      report.rateLimitHits = exchange.rateLimitHits;
      const believed = checkExchange({ ...run, context, db, exchange, url: settings.exchangeUrl }, clock);
      believed.catch(() => {}); // awaited by the work, and below
      const exitCode = await work({
        ...{ db, locks, exchange, exchangeUrl: settings.exchangeUrl, believed, signal, report },
      });
      await believed;
      return exitCode;
    };
    const translated = (report: RunReport) =>
      checked(report).catch((error: unknown) => throwForRun(error, context));
    if (run.isReadOnly) return await translated({ items: [], rateLimitHits: () => 0 });
    await setImmediate(); // the question for the clock takes the connection that is there, the run opens another
    return await withRun(context, db, run.command, run.args, translated);
  } finally {
    await Promise.all([locks.end(), closeDatabase(db)]);
  }
}

/** Waits for the schema; the login of the session for locks goes beside the first look (20 ms of a minute job). */
async function openWhenMigrated(
  db: Database,
  locks: LockSession,
  waitMs: number,
  signal: AbortSignal,
): Promise<void> {
  const early = locks.open();
  early.catch(() => {}); // a database that is away now may be there after the wait
  await waitForSchema(db, waitMs, signal);
  await early.catch(() => locks.open());
}

/** Four tries, the waits between them and the start must fit into a deadline, so a short one means short requests. */
function requestTimeoutMs(deadlineS: number | null): number {
  if (deadlineS === null) return LONGEST_REQUEST_MS;
  return Math.min(LONGEST_REQUEST_MS, Math.max(SHORTEST_REQUEST_MS, (deadlineS * 1000 - WAITS_MS) / 4));
}

/** An exchange that is away before any series was touched is a reason to try again later. */
function throwForRun(error: unknown, { env }: Context): never {
  if (error instanceof ExchangeFailure && isTransient(error.kind)) {
    const proxies = error.kind === "unavailable" ? listProxyVariables(env) : [];
    const hint = proxies.length === 0 ? "" : ` (no proxy is used, although ${proxies.join(", ")} is set)`;
    throw new TryAgain(`${error.message}${hint}`, { cause: error });
  }
  throw error;
}

function warnOfClock({ log }: Context, aheadMs: number): void {
  if (Math.abs(aheadMs) <= CLOCK_WARNING_MS) return;
  const skew = `${renderDuration(Math.abs(aheadMs))} ${aheadMs > 0 ? "ahead of" : "behind"}`;
  log.warn(
    { "event.name": "clock_skew" },
    `[RUN] this machine's clock is ${skew} the exchange's; the exchange's counts`,
  );
}

type Checked = {
  readonly context: Context;
  readonly db: Database;
  readonly exchange: Exchange;
  readonly url: string;
  readonly isReadOnly: boolean;
  readonly acceptExchange: string | null;
};

/** Refuses an exchange that is not the one of the database: by its mark, and at a new address by its candles. */
async function checkExchange(checked: Checked, clock: Promise<ClockReading>): Promise<void> {
  const { context, db, url, isReadOnly } = checked;
  const address = addressOf(url);
  const [stored, { aheadMs, origin }] = await Promise.all([findOrigin(db, address), clock]);
  warnOfClock(context, aheadMs);
  refuseOther(stored.exchange, origin);
  // loaded at a new address alone
  if (!stored.isKnown) {
    const { confirmExchange } = await import("./exchange-identity.ts");
    await confirmExchange({ ...checked, origin, address });
  }
  if (stored.exchange === null && !isReadOnly) await claimOrigin(db, origin, address);
}
