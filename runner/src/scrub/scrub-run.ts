import { leafOfName } from "../archive/leaf-record.ts";
import type { Context } from "../context.ts";
import type { Detector } from "../contract/damage.ts";
import { listCoins } from "../db/coins.ts";
import type { Database } from "../db/connect.ts";
import type { Finding } from "../db/leaf/damage-rows.ts";
import { type CatalogLeaf, listCatalog, listKnownLeaves } from "../db/leaf/leaf-catalog.ts";
import type { LeafPhase } from "../db/leaf/state.ts";
import { type LockSession, openLockSession } from "../db/lock.ts";
import { findAmcheck } from "../db/scrub/index-check.ts";
import { withShortWaits } from "../db/scrub/look-session.ts";
import { own } from "../db/session.ts";
import { UsageFault } from "../errors.ts";
import { createProgress } from "../progress.ts";
import type { LookAtLeaf, ScrubTools } from "./scrub-leaf.ts";
import { lookAtOne, writeOne } from "./scrub-one.ts";

export type ScrubRequest = { readonly leaf: string | null; readonly look: LookAtLeaf };

/** `gone`: detectors whose earlier finding is not true any more. `isUnguarded`: the leaf counts as sealed, and anybody can write. */
export type ScrubbedLeaf = {
  readonly leaf: string;
  readonly state: LeafPhase | null;
  readonly findings: readonly Finding[];
  readonly gone: readonly Detector[];
  readonly isUnguarded: boolean;
  readonly skipped: string | null;
  readonly ms: number;
};

/**
 * `hasAmcheck`: false: indexes were held against the table by their keys alone. `isComplete`: false: another scrub began while
 * the server recovered from a crash.
 */
export type Scrubbed = {
  readonly leaves: readonly ScrubbedLeaf[];
  readonly hasAmcheck: boolean;
  readonly isComplete: boolean;
};

/** The names of the leaves, those of the newest candles first; throws a UsageFault where there is none of this name. */
async function listNames(
  { db, signal }: Pick<ScrubTools, "db" | "signal">,
  only: string | null,
): Promise<readonly string[]> {
  const names = await own(db, signal, (client) => listKnownLeaves(client, only));
  if (only !== null && names.length === 0)
    throw new UsageFault([`--leaf: neither the database nor the ledger of backups knows a leaf ${only}`]);
  const endOf = (name: string) => leafOfName(name).span.to;
  return names.toSorted((a, b) => endOf(b) - endOf(a));
}

/** What a scrub would look at, in that order; throws as a scrub does. */
export async function previewScrub(
  db: Database,
  signal: AbortSignal,
  only: string | null,
): Promise<readonly CatalogLeaf[]> {
  const names = await listNames({ db, signal }, only);
  const leaves = await withShortWaits({ db, signal }, (client) => listCatalog(client, only));
  return names.flatMap((name) => leaves.find((leaf) => leaf.name === name) ?? []);
}

/** Looks at each leaf and writes down what is damaged, leaf by leaf; null where another scrub is at work. */
export async function runScrub(
  context: Context,
  db: Database,
  { leaf: only, look }: ScrubRequest,
): Promise<Scrubbed | null> {
  const { signal, log, runId } = context;
  let locks: LockSession | null = await lock(db, signal);
  if (locks === null) return null;
  const progress = createProgress("scrub", context.terminal, "tables");
  try {
    const names = await listNames({ db, signal }, only);
    const amcheck = await own(db, signal, findAmcheck);
    const symbols = new Map((await listCoins(db)).map(({ coinId, symbol }) => [coinId, symbol]));
    const tools: ScrubTools = { db, signal, look, symbols, amcheck };
    progress.start(names.length);
    const done: ScrubbedLeaf[] = [];
    for (const name of names) {
      const startedAt = performance.now();
      const outcome = await lookAtOne(tools, name);
      if (outcome.hasLost || locks.lost.aborted) {
        await locks.end();
        locks = await lock(db, signal);
      }
      const written = await writeOne(tools, outcome, runId);
      for (const { detector, detail } of written.findings)
        log.error(
          { "event.name": "leaf_damaged", leaf: name, detector },
          `[SCRUB] r3a.${name}: ${detector}: ${detail}`,
        );
      const ms = Math.round(performance.now() - startedAt);
      done.push({ leaf: name, state: outcome.leaf?.state ?? null, ms, ...written });
      progress.advance(1);
      if (locks === null) break;
    }
    return { leaves: done, hasAmcheck: amcheck !== null, isComplete: locks !== null };
  } finally {
    progress.stop();
    await locks?.end();
  }
}

async function lock(db: Database, signal: AbortSignal): Promise<LockSession | null> {
  const locks = await openLockSession(db, signal);
  if (await locks.tryLock("scrub", "global")) return locks;
  await locks.end();
  return null;
}
