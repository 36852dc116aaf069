import { randomUUID } from "node:crypto";
import { slotOf } from "../candle/interval.ts";
import { slotsOfLeaf } from "../candle/waiting-gap.ts";
import type { Database } from "../db/connect.ts";
import { isGeneral } from "../db/fault.ts";
import { ensureLeaf, listLeafNames } from "../db/leaves.ts";
import { type LegacyLeaf, listMonths } from "../db/legacy/catalog.ts";
import type { OldColumn } from "../db/legacy/columns.ts";
import { dropLeaf } from "../db/legacy/drop.ts";
import { type LeafTally, moveLeaf, type PlanCoverage } from "../db/legacy/move.ts";
import type { LockSession } from "../db/lock.ts";
import { isBusy } from "../db/lock-retry.ts";
import { messageOf, Stopped } from "../errors.ts";
import type { Logger } from "../log.ts";
import { leafAt } from "../partition/layout.ts";
import type { Progress } from "../progress.ts";
import { sleep } from "../sleep.ts";
import { coverLeaf, planLeafGaps } from "./gap-plan.ts";

export type MoveTools = {
  readonly db: Database;
  readonly locks: LockSession;
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly runId: string;
  readonly progress: Progress;
  readonly symbolOf: ReadonlyMap<number, string>;
  readonly columns: readonly OldColumn[];
  /** The most rows per second, on average over a leaf. */
  readonly rowsPerSecond: number;
  readonly onLeaf: (leaf: LegacyLeaf, tally: LeafTally, ms: number) => void;
};

/** How long to wait if syncs hold the locks of all series that are left. */
const BUSY_WAIT_MS = 2_000;

/** How often a leaf is copied if somebody changes it between copy and drop. */
const COPIES = 3;

/**
 * Moves one leaf after the other, newest first, each under the lock of its series. A leaf whose series a sync holds is
 * tried again later. Returns the leaves that failed, which stay as they are; throws if the run must end.
 */
export async function moveLeaves(
  tools: MoveTools,
  leaves: readonly LegacyLeaf[],
): Promise<readonly LegacyLeaf[]> {
  const { db, signal, log } = tools;
  const known = await listLeafNames(db);
  const failed: LegacyLeaf[] = [];
  let waiting = leaves;
  while (waiting.length > 0) {
    const busy: LegacyLeaf[] = [];
    for (const leaf of waiting) {
      signal.throwIfAborted();
      const startedAt = performance.now();
      try {
        const tally = await moveOne(tools, leaf, known);
        if (tally === null) {
          busy.push(leaf);
          continue;
        }
        const ms = performance.now() - startedAt;
        tools.progress.advance(tally.rows);
        tools.onLeaf(leaf, tally, ms);
        const restMs = (tally.rows / tools.rowsPerSecond) * 1000 - ms;
        if (restMs >= 1) await sleep(restMs, signal);
      } catch (error) {
        if (signal.aborted || endsMove(error)) throw error;
        failed.push(leaf);
        log.error(
          { "event.name": "leaf_failed", leaf: leaf.name },
          `[MAINT] ${leaf.name} is not moved: ${messageOf(error)}`,
        );
      }
    }
    if (busy.length === waiting.length) {
      log.info(
        { "event.name": "leaves_busy", leaves: busy.length },
        "[MAINT] syncs hold all series that are left",
      );
      await sleep(BUSY_WAIT_MS, signal);
    }
    waiting = busy;
  }
  return failed;
}

/** A leaf that somebody holds does not end the move: the next run takes it, like a leaf that cannot be copied. */
function endsMove(error: unknown): boolean {
  return error instanceof Stopped || (isGeneral(error) && !isBusy(error));
}

/** Null if another session holds the lock of the series. */
async function moveOne(tools: MoveTools, leaf: LegacyLeaf, known: Set<string>): Promise<LeafTally | null> {
  const { locks } = tools;
  const symbol = tools.symbolOf.get(leaf.coinId);
  if (symbol === undefined) throw new Error(`coin ${leaf.coinId} has no symbol in r3a.coin`);
  const key = `${symbol}:${leaf.interval}`;
  if (!(await locks.tryLock("series", key))) return null;
  try {
    let added = 0;
    for (let copy = 1; copy <= COPIES; copy += 1) {
      const { tally, fingerprint } = await copyLeaf(tools, leaf, { symbol, known });
      added += tally.added;
      if (await dropLeaf(tools, leaf, fingerprint))
        return { ...tally, added, same: tally.same + tally.added - added };
    }
    throw new Error(
      `${leaf.name} was changed each of the ${COPIES} times that it was copied: stop the program that still writes to the old table`,
    );
  } finally {
    if (!locks.lost.aborted) await locks.unlock("series", key);
  }
}

async function copyLeaf(
  tools: MoveTools,
  leaf: LegacyLeaf,
  { symbol, known }: { readonly symbol: string; readonly known: Set<string> },
) {
  const { db, runId, columns } = tools;
  // by the rows and not by the bounds of the leaf, which may reach over all time
  const targets = (await listMonths(db, leaf)).map((month) => leafAt(leaf.interval, month));
  for (const next of targets) {
    if (known.has(next.name)) continue;
    await ensureLeaf(db, next);
    known.add(next.name);
  }
  return moveLeaf(db, leaf, { runId, symbol, columns, plan: planOf(leaf), targets, alive: tools.locks.lost });
}

function planOf({ interval, span }: LegacyLeaf): PlanCoverage {
  return async (before, { rejections, ...candles }, findMissing) => {
    const covered = coverLeaf(interval, before.covered, candles);
    if (covered === null) return null;
    const slots = slotsOfLeaf(interval, span, covered);
    const gaps = planLeafGaps(interval, before.gaps, {
      before: before.covered,
      covered,
      slots,
      missing: slots === null ? [] : await findMissing(slots),
      rejected: rejections.map(({ at, ...why }) => ({ ...why, slot: slotOf(interval, at) })),
      now: Date.now(),
      newId: randomUUID,
    });
    return { covered, gaps };
  };
}
