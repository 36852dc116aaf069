import type { Database } from "../db/connect.ts";
import { readHold } from "../db/leaf/hold.ts";
import { readStateOn } from "../db/legacy/state.ts";
import { type LockSession, openLockSession } from "../db/lock.ts";
import { listLeafFacts, readLeafContent } from "../db/seal/leaf-facts.ts";
import { type OwnClient, own } from "../db/session.ts";
import { TryAgain, UsageFault } from "../errors.ts";
import { createProgress } from "../progress.ts";
import { sealLeaf } from "./seal-leaf.ts";
import { judgeLeaf, type LeafFacts, listDue, type SealVerdict, whyNotDue } from "./seal-plan.ts";
import type { LeafBackups, LeafEnd, SealContext, SealTools } from "./seal-work.ts";

/** `leaf` null: every leaf that is over. `budgetBytes`: how large the database may be; null: no limit is known. */
export type SealRequest = {
  readonly leaf: string | null;
  readonly budgetBytes: number | null;
  readonly openBackups: (locks: LockSession) => Promise<LeafBackups>;
};

/** A leaf that was due, or asked for by name, and what came of it. */
export type SealedLeaf = LeafEnd & { readonly leaf: string };

/** `held`: the reason of the kill switch, which ended the run. `stop`: the error that ended it early; null: none did. */
export type SealResult = {
  readonly leaves: readonly SealedLeaf[];
  readonly held: string | null;
  readonly stop: unknown;
};

/** Seals one leaf after the other; null where another seal is at work. */
export async function runSeal(
  context: SealContext,
  db: Database,
  request: SealRequest,
): Promise<SealResult | null> {
  const locks = await openLockSession(db, context.signal);
  try {
    if (!(await locks.tryLock("seal", "global"))) return null;
    const { due, left } = await own(db, locks.signal, (client) => listAsked(client, request.leaf));
    const known = left.map(({ leaf, why }) => ({ ...NOTHING, leaf, outcome: "left" as const, why }));
    if (due.length === 0) return { leaves: known, held: null, stop: null };
    const backups = await request.openBackups(locks);
    return await sealEach({ context, db, locks, budgetBytes: request.budgetBytes, backups }, due);
  } finally {
    await locks.end();
  }
}

const NOTHING = { rows: 0, isRewritten: false, pages: null, tiers: [] } as const;

async function sealEach(tools: SealTools, due: readonly LeafFacts[]): Promise<SealResult> {
  const { context, db, locks } = tools;
  const progress = createProgress("seal", context.terminal, "leaves");
  progress.start(due.length);
  const leaves: SealedLeaf[] = [];
  try {
    for (const leaf of due) {
      const hold = await own(db, locks.signal, readHold);
      if (hold !== null) return { leaves, held: hold.reason, stop: null };
      const end = await sealLeaf(tools, leaf);
      leaves.push({ leaf: leaf.name, ...end });
      const { outcome, why } = end;
      const text = `[SEAL] r3a.${leaf.name} ${outcome}${why === null ? "" : `: ${why}`}`;
      const fields = { "event.name": "leaf_seal", leaf: leaf.name, outcome };
      if (outcome === "failed" || outcome === "refused") context.log.error(fields, text);
      else context.log.info(fields, text);
      progress.advance(1);
    }
    return { leaves, held: null, stop: null };
  } catch (error) {
    return { leaves, held: null, stop: error };
  } finally {
    progress.stop();
  }
}

/** What a run would do with a leaf; `isReopened`: it was sealed before. */
export type PlannedLeaf = SealVerdict & { readonly leaf: string; readonly isReopened: boolean };

/** `held`: the reason of the kill switch, under which a run seals nothing; null: it is off. */
export type SealPlan = { readonly held: string | null; readonly leaves: readonly PlannedLeaf[] };

/** Changes nothing. */
export async function previewSeal(
  db: Database,
  { leaf, signal }: { readonly leaf: string | null; readonly signal: AbortSignal },
): Promise<SealPlan> {
  return own(db, signal, async (client) => {
    const { due, left } = await listAsked(client, leaf);
    const planned: PlannedLeaf[] = left.map((each) => ({ ...each, action: "none", isReopened: false }));
    for (const facts of due) {
      const verdict = judgeLeaf(facts, await readLeafContent(client, facts), Date.now());
      planned.push({ leaf: facts.name, ...verdict, isReopened: facts.sealedAt !== null });
    }
    return { held: (await readHold(client))?.reason ?? null, leaves: planned };
  });
}

/** `left`: the leaf that was asked for by name and is not due, with the reason. */
async function listAsked(
  client: OwnClient,
  leaf: string | null,
): Promise<{
  readonly due: readonly LeafFacts[];
  readonly left: readonly { readonly leaf: string; readonly why: string | null }[];
}> {
  if ((await readStateOn(client)) === "moving")
    throw new TryAgain(
      "migrate-layout is at work, or was stopped: candles of the old layout are not in the leaves yet, so none is sealed; run migrate-layout to its end",
    );
  const facts = await listLeafFacts(client);
  const due = listDue(facts, Date.now());
  if (leaf === null) return { due, left: [] };
  const asked = facts.find(({ name }) => name === leaf);
  if (asked === undefined)
    throw new UsageFault([
      `--leaf: no leaf of the candle table is called ${leaf}; seal --dry-run lists them`,
    ]);
  return due.includes(asked)
    ? { due: [asked], left: [] }
    : { due: [], left: [{ leaf, why: whyNotDue(asked) }] };
}
