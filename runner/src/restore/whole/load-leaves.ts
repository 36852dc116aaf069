import type { Context } from "../../context.ts";
import type { Tier } from "../../contract/tiers.ts";
import { analyzeTables } from "../../db/restore/live-leaf.ts";
import { endRestoration, listWaiting, openGate, type WaitingLeaf } from "../../db/restore/restoration.ts";
import { readServerVersion } from "../../db/restore/server-version.ts";
import type { OwnClient } from "../../db/session.ts";
import { TryAgain } from "../../errors.ts";
import { createProgress } from "../../progress.ts";
import { createLacking } from "../lacking.ts";
import type { Candidate, ManifestReader, Refuse } from "../manifests.ts";
import type { Refused } from "../refusal.ts";
import { type Attempt, tryCandidates } from "../try-candidates.ts";
import { giveUpLeaf, loadLeaf } from "./load-leaf.ts";

/**
 * What became of a leaf. `tier` null: no backup of it could be restored from. `isWaiting`: it still waits for a backup; else
 * the slots of a failed one are open gaps, which the next sync asks the exchange for. `isAway`: a tier that gave no
 * answer may have the leaf.
 */
export type LeafResult = {
  readonly name: string;
  readonly isHot: boolean;
  readonly outcome: "restored" | "failed" | "planned";
  readonly tier: Tier | null;
  readonly rows: number;
  /** Of the objects, as stored. */
  readonly bytes: number;
  readonly isWaiting: boolean;
  readonly isAway: boolean;
  readonly ms: number;
};

type Loading = {
  readonly context: Context;
  readonly identity: string;
  readonly candidates: readonly Candidate[];
  readonly reader: ManifestReader;
  readonly refuse: Refuse;
  readonly refused: readonly Refused[];
  /** What no backup has becomes an open gap; else it waits, since a wrong key or a tier that is gone looks the same. */
  readonly isLossAccepted: boolean;
  readonly startedAt: number;
};

/** A sync that holds a series ends its page within seconds. */
const TRIES = 5;

/**
 * Loads the leaves that wait, in their order, and opens the database to the other commands as soon as none of the hot ones
 * waits. `hotMs` counts from `startedAt` (of performance.now).
 */
export async function loadLeaves(
  client: OwnClient,
  loading: Loading,
): Promise<{
  readonly leaves: readonly LeafResult[];
  readonly hotMs: number | null;
  readonly isOver: boolean;
}> {
  const { context, startedAt } = loading;
  const waiting = await listWaiting(client);
  const progress = createProgress("restore", context.terminal);
  progress.start(await countExpected(loading, waiting));
  const attempt: Attempt = {
    ...{ context, candidates: loading.candidates, reader: loading.reader, refuse: loading.refuse, progress },
    ...{
      identity: loading.identity,
      schema: "r3a",
      isPreview: false,
      symbols: null,
      broken: new Map(),
      lacking: createLacking(),
    },
    serverVersion: await readServerVersion(client),
    load: (leaf, source) => loadLeaf(client, leaf, source),
  };
  const leaves: LeafResult[] = [];
  let hotMs: number | null = null;
  const openIfHot = async (left: readonly WaitingLeaf[]) => {
    const stillHot =
      left.some(({ isHot }) => isHot) || leaves.some(({ isHot, isWaiting }) => isHot && isWaiting);
    if (hotMs !== null || stillHot) return;
    await openGate(client);
    hotMs = Math.round(performance.now() - startedAt);
    context.log.info(
      { "event.name": "restore_hot", "event.duration": hotMs * 1e6 },
      "[RESTORE] the hot set is there: every other command works again",
    );
  };
  try {
    await openIfHot(waiting);
    for (const [index, leaf] of waiting.entries()) {
      leaves.push(await restoreOne(client, { attempt, leaf, loading }));
      await openIfHot(waiting.slice(index + 1));
    }
    const isOver = leaves.every(({ isWaiting }) => !isWaiting);
    if (isOver) await endRestoration(client);
    return { leaves, hotMs, isOver };
  } finally {
    progress.stop();
  }
}

/** By the newest manifest that can be read. */
async function countExpected(
  { candidates, reader }: Loading,
  waiting: readonly WaitingLeaf[],
): Promise<number> {
  const names = new Set(waiting.map(({ name }) => name));
  for (const candidate of candidates) {
    const manifest = await reader.read(candidate);
    if (manifest === null) continue;
    return manifest.leaves.reduce((sum, { name, rows }) => sum + (names.has(name) ? rows : 0), 0);
  }
  return 0;
}

type One = {
  readonly attempt: Attempt;
  readonly leaf: WaitingLeaf;
  readonly loading: Pick<Loading, "refused" | "isLossAccepted">;
};

async function restoreOne(
  client: OwnClient,
  { attempt, leaf: { name, isHot }, loading: { refused, isLossAccepted } }: One,
): Promise<LeafResult> {
  const startedAt = performance.now();
  const chosen = await again(attempt, () => tryCandidates(attempt, name));
  const ofLeaf = chosen === null ? refused.filter((each) => each.leaf === null || each.leaf === name) : [];
  // a tier that gives no answer may have the leaf: who has lost that tier for good leaves it out of the settings
  const isAway = ofLeaf.some((each) => each.isAway);
  const isWaiting = chosen === null && (!isLossAccepted || isAway);
  // a plan without parts loads nothing
  if (chosen === null ? !isWaiting : chosen.plan.parts.length === 0)
    await again(attempt, () => giveUpLeaf(client, name, attempt.context.signal));
  if (!isWaiting) await analyzeTables(client, [`r3a.${name}`]);
  return {
    ...{ name, isHot, isWaiting, isAway, outcome: chosen === null ? "failed" : "restored" },
    ...{ tier: chosen?.candidate.tier ?? null, rows: chosen?.plan.rows ?? 0, bytes: chosen?.plan.bytes ?? 0 },
    ms: Math.round(performance.now() - startedAt),
  };
}

/** A sync that holds a series for long ends one try, and not the restore. */
async function again<T>({ context: { log, signal } }: Attempt, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof TryAgain) || attempt === TRIES || signal.aborted) throw error;
      log.warn({ "event.name": "leaf_again" }, `[RESTORE] trying the leaf again: ${error.message}`);
    }
  }
}
