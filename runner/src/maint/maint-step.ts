import type { Database } from "../db/connect.ts";
import {
  listBuilders,
  listOldTransactions,
  listTableHolders,
  renderSessions,
} from "../db/connection/sessions.ts";
import { ensureLeaf } from "../db/leaves.ts";
import { Busy, isBusy, retryBusy } from "../db/lock-retry.ts";
import { QUARANTINE_NOTES, readCatalog } from "../db/maint/catalog.ts";
import { keepLedger } from "../db/maint/ledger.ts";
import { runAlone, runTransaction } from "../db/maint/ops.ts";
import type { MaintSession } from "../db/maint/session.ts";
import { MINUTE_MS } from "../time.ts";
import { type Action, actionKey, planMaint } from "./maint-plan.ts";

export type StepTools = {
  readonly db: Database;
  readonly session: MaintSession;
  readonly signal: AbortSignal;
  /** End of the run's time, of performance.now(): nothing is tried again after it. */
  readonly until: number;
  /** A concurrent build is not begun while a transaction is older than this. */
  readonly transactionAgeS: number;
};

/** The last attach below a parent locks it too. */
const ROOT = "r3a.ohlcv_partitioned";

/** Another session must end first; nothing was changed. */
export class Blocked extends Error {
  override readonly name = "Blocked";
}

/** Tries for a lock end after this, so that one table that is always busy leaves time for the others. */
const LOCK_PATIENCE_MS = MINUTE_MS;

/**
 * Does one action and reads back from the catalog that it is done. False when it was not needed any more; throws
 * `Blocked`, or the error of what failed.
 */
export async function performAction(tools: StepTools, action: Action): Promise<boolean> {
  const { client } = tools.session;
  const table = tableOf(action);
  const isNeeded = async () => {
    const { actions } = planMaint(await readCatalog(client, table), Date.now());
    const found = actions.find((candidate) => actionKey(candidate) === actionKey(action));
    if (found?.kind === "index" && found.builder !== null)
      throw await blockedByBuilder(tools, found.builder, table);
    return found !== undefined;
  };
  await tools.session.checkHeld();
  if (!(await change(tools, action, isNeeded).catch((error) => explain(tools, action, error)))) return false;
  if (action.kind !== "ledger" && (await isNeeded()))
    throw new Error(`${action.op} ${action.object} reported success, and the catalog still lacks it`);
  return true;
}

/** The table whose part of the catalog says whether the action is still to be done. */
function tableOf(action: Action): string {
  if (action.kind === "index") return action.table;
  if (action.kind === "quarantine") return QUARANTINE_NOTES;
  return action.kind === "ledger" ? "r3a.run" : action.object;
}

async function change(tools: StepTools, action: Action, isNeeded: () => Promise<boolean>): Promise<boolean> {
  const { db, session, signal, until } = tools;
  const retryUntil = Math.min(until, performance.now() + LOCK_PATIENCE_MS);
  if (action.kind === "index" && action.isConcurrent) {
    await refuseBesideOldTransactions(tools, action.object);
    // a look before the lock: a vacuum that is seen here goes on, where waiting for it would cancel it
    if (!(await isNeeded())) return false;
    if (!(await lookUnderLock(tools, action.table, isNeeded))) return false;
    await runAlone(session.client, action.sql);
    return true;
  }
  if (action.kind === "index" || action.kind === "table" || action.kind === "quarantine") {
    const table = action.kind === "index" ? action.table : null;
    return retryBusy(
      () => runTransaction(session.client, { sql: action.sql, table, isNeeded }),
      retryUntil,
      signal,
    );
  }
  if (!(await isNeeded())) return false;
  if (action.kind === "leaf") await ensureLeaf(db, action.leaf, { signal, until });
  else await keepLedger(session.client, action.op, () => performance.now() > until);
  return true;
}

async function refuseBesideOldTransactions(tools: StepTools, object: string): Promise<void> {
  const old = await listOldTransactions(tools.session.client, tools.transactionAgeS, tools.signal);
  if (old.length === 0) return;
  throw new Blocked(
    `a concurrent build of ${object} would wait for transactions older than ${tools.transactionAgeS} s: ${renderSessions(old)}; end them, the next run builds it`,
  );
}

/**
 * A plain CREATE INDEX of a person is a builder that the plan does not show. A concurrent build would wait for it and then
 * make a second index; this waits a moment, and sees what it has made.
 */
async function lookUnderLock(
  { session, signal }: StepTools,
  table: string,
  isNeeded: () => Promise<boolean>,
): Promise<boolean> {
  try {
    return await runTransaction(session.client, { sql: null, table, isNeeded });
  } catch (error) {
    signal.throwIfAborted();
    if (!isBusy(error)) throw error;
    const holders = renderSessions(await listBuilders(session.client, [table]));
    throw new Blocked(`${table} is held against a build by: ${holders || "nobody any more"}`, {
      cause: error,
    });
  }
}

async function blockedByBuilder({ session }: StepTools, pid: number, table: string): Promise<Blocked> {
  const holder = (await listTableHolders(session.client, [table])).filter((found) => found.pid === pid);
  return new Blocked(`${table} is being built on or vacuumed: ${renderSessions(holder) || `pid ${pid}`}`);
}

/** A lock time-out says nothing about who held it. */
async function explain({ session, signal }: StepTools, action: Action, error: unknown): Promise<never> {
  signal.throwIfAborted();
  if (!isBusy(error)) throw error;
  // a leaf is attached beside readers and writers of its parent: they are not who held it
  const isMoved = action.kind === "quarantine" && action.isThere;
  const [table, list] =
    action.kind === "leaf"
      ? [`r3a.${action.leaf.parent}`, listBuilders]
      : [isMoved ? action.object : tableOf(action), listTableHolders];
  const holders = renderSessions(await list(session.client, [table, ROOT]));
  throw new Busy(`${table} stayed locked; held by: ${holders || "nobody any more"}`, error);
}
