import { setImmediate } from "node:timers/promises";
import type { Context } from "../context.ts";
import type { CommandName } from "../contract/commands.ts";
import type { ExitCode } from "../contract/exits.ts";
import { findDatabaseTime } from "../db/clock.ts";
import type { Database } from "../db/connect.ts";
import { isThisHost } from "../db/connection/tls.ts";
import type { LockSession } from "../db/lock.ts";
import { addressOf, claimOrigin, findOrigin, refuseOther } from "../db/origin.ts";
import { patienceMs, tellOfWait, waitForSchema } from "../db/schema/schema.ts";
import { sessionName, withLocks } from "../db/with-database.ts";
import { messageOf, TryAgain } from "../errors.ts";
import type { ClockReading, Exchange } from "../exchange/exchange.ts";
import { ExchangeFailure, isExchangeAway } from "../exchange/failure.ts";
import { listProxyVariables } from "../exchange/proxy.ts";
import { exitCodeOrThrow, failedBy, type RunResult, withRun } from "../run.ts";
import type { Settings } from "../settings/table.ts";
import { renderDuration } from "../time.ts";
import { createWeighedExchange, weightShareOf } from "../weighed-exchange.ts";
import type { NewAddress } from "./exchange-identity.ts";

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
};

/** The log warns where this machine's clock is so far from the exchange's. The exchange's decides what is closed. */
const CLOCK_WARNING_MS = 5_000;

/** `isBackground`: takes at most 60 % of the exchange's weight. `isReadOnly`: a plan; no ledger row, nothing claimed. */
type WorkRun = {
  readonly settings: WorkSettings;
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
  run: WorkRun,
  work: (tools: Work) => Promise<RunResult>,
): Promise<ExitCode> {
  const { dbUrl, exchangeUrl } = run.settings;
  const name = sessionName(context, run.command);
  return withLocks({ url: dbUrl, name, signal: context.signal }, async (db, locks) => {
    const { exchange, clock } = await openExchange(context, run, { db, locks });
    const execute = async (): Promise<RunResult> => {
      const believed = checkExchange({ ...run, context, db, exchange, url: exchangeUrl }, clock);
      believed.catch(() => {}); // awaited by the work, and below
      const tools: Work = { db, locks, exchange, exchangeUrl, believed, signal: locks.signal };
      const result = await work(tools).catch(failedBy);
      const error = result.error ?? (await errorOf(believed));
      const end = error === undefined ? {} : failedBy(meaningOf(error, context));
      return { ...result, ...end, rateLimitHits: exchange.rateLimitHits() };
    };
    if (run.isReadOnly) return exitCodeOrThrow(await execute());
    await setImmediate(); // the question for the clock takes the connection that is there, the run opens another
    return withRun({ context, db, command: run.command, args: run.args }, execute);
  });
}

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/**
 * Waits for the schema, and asks for the exchange's clock. What takes time is begun together and awaited as late as it
 * may be: making the exchange's client takes 30 ms of a minute job, and a round trip to the exchange a tenth of it.
 */
async function openExchange(
  context: Context,
  { settings, isBackground }: WorkRun,
  { db, locks }: Pick<Work, "db" | "locks">,
): Promise<{ readonly exchange: Exchange; readonly clock: Promise<ClockReading> }> {
  const { signal } = locks;
  const ready = openWhenMigrated({ db, locks }, context);
  ready.catch(() => {}); // awaited below, after the exchange's client is made
  const share = weightShareOf(settings, isBackground);
  const exchange = createWeighedExchange(context, db, { settings, share, signal });
  await ready;
  const clock = exchange.readClock({
    now: () => findDatabaseTime(db),
    isOneHost: isThisHost(settings.dbUrl),
  });
  clock.catch(() => {}); // awaited in the run, which must record its failure
  return { exchange, clock };
}

/** Waits for the schema; the login of the session for locks runs beside the first question (20 ms of a minute job). */
async function openWhenMigrated({ db, locks }: Pick<Work, "db" | "locks">, context: Context): Promise<void> {
  const { deadlineS, signal } = context;
  const early = locks.open();
  early.catch(() => {}); // a database that is away now may be there after the wait
  await waitForSchema(db, { waitMs: patienceMs(deadlineS), signal, tell: tellOfWait(context) });
  await early.catch(() => locks.open());
}

/** An exchange that is away before any series was touched is a reason to try again later. */
function meaningOf(error: unknown, { env }: Context): unknown {
  if (!(error instanceof ExchangeFailure && isExchangeAway(error))) return error;
  const proxies = error.kind === "unavailable" ? listProxyVariables(env) : [];
  const hint = proxies.length === 0 ? "" : ` (no proxy is used, although ${proxies.join(", ")} is set)`;
  const next =
    error.kind === "unavailable"
      ? "; let this machine out to it, or let EXCHANGE_URL name one that answers"
      : "";
  return new TryAgain(`${messageOf(error)}${hint}${next}`, { cause: error });
}

function warnOfClock({ log }: Pick<Context, "log">, aheadMs: number): void {
  if (Math.abs(aheadMs) <= CLOCK_WARNING_MS) return;
  const skew = `${renderDuration(Math.abs(aheadMs))} ${aheadMs > 0 ? "ahead of" : "behind"}`;
  log.warn(
    { "event.name": "clock_skew" },
    `[RUN] this machine's clock is ${skew} the exchange's; the exchange's counts`,
  );
}

/** Refuses an exchange that is not the one of the database: by its mark, and at a new address by its candles. */
async function checkExchange(
  checked: Omit<NewAddress, "address" | "origin">,
  clock: Promise<ClockReading>,
): Promise<void> {
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
