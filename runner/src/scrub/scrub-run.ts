import type { Context } from "../context.ts";
import type { Detector } from "../contract/damage.ts";
import { listCoins } from "../db/coins.ts";
import type { Database } from "../db/connect.ts";
import { isGeneral } from "../db/fault.ts";
import { type Finding, noteFindings } from "../db/leaf/damage-rows.ts";
import { type CatalogLeaf, lacksGuard, listCatalog } from "../db/leaf/leaf-catalog.ts";
import type { LeafPhase } from "../db/leaf/state.ts";
import { type LockSession, openLockSession } from "../db/lock.ts";
import { findAmcheck } from "../db/scrub/index-check.ts";
import { openUnguarded } from "../db/scrub/open-unguarded.ts";
import { faultOfRead, wordsOf } from "../db/scrub/read-fault.ts";
import { awaitServerMarks, hasCrashed, readServerMarks, type ServerMarks } from "../db/scrub/server-marks.ts";
import { own } from "../db/session.ts";
import { UsageFault } from "../errors.ts";
import { createProgress } from "../progress.ts";
import { MINUTE_MS } from "../time.ts";
import type { LeafReport } from "./report.ts";
import { type LookAtLeaf, type ScrubTools, scrubLeaf } from "./scrub-leaf.ts";

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

/** How long a server that crashed may take to recover. */
const RECOVERY_MS = 5 * MINUTE_MS;

/** The leaves that a scrub looks at, those of the newest candles first; throws a UsageFault where there is none of this name. */
export async function listScrubLeaves(
  db: Database,
  signal: AbortSignal,
  leaf: string | null,
): Promise<readonly CatalogLeaf[]> {
  const leaves = await own(db, signal, (client) => listCatalog(client, leaf));
  if (leaf !== null && leaves.length === 0)
    throw new UsageFault([`--leaf: neither the database nor the ledger of backups knows a leaf ${leaf}`]);
  return leaves.toSorted((a, b) => b.span.to - a.span.to);
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
    const leaves = await listScrubLeaves(db, signal, only);
    const amcheck = await own(db, signal, findAmcheck);
    const symbols = new Map((await listCoins(db)).map(({ coinId, symbol }) => [coinId, symbol]));
    const tools: ScrubTools = { db, signal, look, symbols, amcheck };
    progress.start(leaves.length);
    const done: ScrubbedLeaf[] = [];
    for (const { name } of leaves) {
      const startedAt = performance.now();
      // the leaf as it is now: a swap may have come since the list was made
      const [leaf] = await own(db, signal, (client) => listCatalog(client, name));
      if (leaf === undefined) continue;
      const { report, hasLost } = await scrubOne(tools, leaf);
      if (hasLost || locks.lost.aborted) {
        await locks.end();
        locks = await lock(db, signal);
      }
      const { findings, skipped } = report;
      const isUnguarded = lacksGuard(leaf);
      const gone = await own(db, signal, async (client) => {
        // rows that came past the guard are damage only as long as the leaf counts as sealed
        if (isUnguarded && findings.length === 0 && skipped === null) await openUnguarded(client, name);
        return noteFindings(client, name, { ...report, runId });
      });
      for (const { detector, detail } of findings)
        log.error(
          { "event.name": "leaf_damaged", leaf: name, detector },
          `[SCRUB] r3a.${name}: ${detector}: ${detail}`,
        );
      const ms = Math.round(performance.now() - startedAt);
      done.push({ leaf: name, state: leaf.state, findings, gone, isUnguarded, skipped, ms });
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

type Outcome = { readonly report: LeafReport; readonly hasLost: boolean };

/**
 * One leaf, whatever comes of it. A connection that is lost twice without a crash of the server ends the scrub. `hasLost`:
 * the connections of the run are lost.
 */
async function scrubOne(tools: ScrubTools, leaf: CatalogLeaf): Promise<Outcome> {
  const { db, signal } = tools;
  const before = await readServerMarks(db);
  for (let attempt = 1; ; attempt += 1) {
    try {
      const report = await scrubLeaf(tools, leaf);
      return { report: await addChecksums(db, before, report), hasLost: attempt > 1 };
    } catch (error) {
      signal.throwIfAborted();
      if (faultOfRead(error) !== "lost") {
        if (isGeneral(error)) throw error;
        return { report: { findings: [], checked: [], skipped: wordsOf(error) }, hasLost: false };
      }
      const after = await awaitServerMarks(db, { patienceMs: RECOVERY_MS, signal });
      if (hasCrashed(before, after)) {
        const detail =
          "a process of the server crashed while the leaf was read: the server's log says which, and which signal ended it";
        return {
          report: { findings: [{ detector: "unreadable", detail }], checked: [], skipped: null },
          hasLost: true,
        };
      }
      if (attempt === 2) throw error;
    }
  }
}

/** The server counts a page with a wrong checksum when somebody reads it from the disk. */
async function addChecksums(db: Database, before: ServerMarks, report: LeafReport): Promise<LeafReport> {
  if (report.findings.length === 0) return report;
  const { failedPages } = await readServerMarks(db);
  const failed = (failedPages ?? 0) - (before.failedPages ?? 0);
  if (failed <= 0) return report;
  const detail = `the server met wrong checksums of pages ${failed} times while the leaf was read`;
  return { ...report, findings: [...report.findings, { detector: "checksum", detail }] };
}
