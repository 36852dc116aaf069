import { QUARANTINE_DAYS } from "../contract/names.ts";
import type { Tier } from "../contract/tiers.ts";
import { listStoredParts } from "../db/backup/ledger.ts";
import { releaseLeaf, type TakenLeaf, takeLeaf } from "../db/leaf/guard.ts";
import { CannotSwap, dropScratch } from "../db/leaf/scratch.ts";
import { readLeafState } from "../db/leaf/state.ts";
import { Busy } from "../db/lock-retry.ts";
import { readLeafContent } from "../db/seal/leaf-facts.ts";
import { countBeyond, measureLeaf, tidyLeaf } from "../db/seal/rewrite.ts";
import { type OwnClient, own } from "../db/session.ts";
import { messageOf, Stopped, TryAgain } from "../errors.ts";
import { renderBytes } from "../render.ts";
import { giveUp } from "./give-up.ts";
import { rewriteLeaf } from "./rewrite-leaf.ts";
import { describeSuspects, judgeLeaf, type LeafFacts, mustRewrite } from "./seal-plan.ts";
import { endOf, LEAST_TIERS, type LeafEnd, REOPENED, type Sealing, type SealTools } from "./seal-work.ts";
import { findUnexplained } from "./unexplained.ts";

/** Seals one leaf. Throws where no other leaf can be sealed either: the database or the tiers are away, or the run is stopped. */
export async function sealLeaf(tools: SealTools, leaf: LeafFacts): Promise<LeafEnd> {
  const { db, locks } = tools;
  if (!(await locks.tryLock("leaf-work", leaf.name)))
    return endOf("busy", "another run is at work on this leaf");
  try {
    return await own(db, locks.signal, (client) => judgeAndSeal(tools, client, leaf));
  } catch (error) {
    if (error instanceof Busy) return endOf("busy", error.message);
    if (error instanceof CannotSwap) return endOf("refused", error.message);
    if (error instanceof TryAgain || error instanceof Stopped || locks.signal.aborted) throw error;
    return endOf("failed", messageOf(error));
  } finally {
    if (!locks.signal.aborted) await locks.unlock("leaf-work", leaf.name);
  }
}

async function judgeAndSeal(tools: SealTools, client: OwnClient, leaf: LeafFacts): Promise<LeafEnd> {
  const content = await readLeafContent(client, leaf);
  const { action, why } = judgeLeaf(leaf, content, Date.now());
  const isRewritten = action === "seal" && (await isUnordered(client, leaf));
  const room = isRewritten ? await findLackOfRoom(client, leaf, tools.budgetBytes) : null;
  if (action === "seal" && room === null) return takeAndSeal(tools, client, leaf, { isRewritten, why });
  // restore --damaged may have built a table for a damaged leaf
  if (leaf.state !== null && content.damages.length === 0) await clearLeft(client, leaf, why ?? room);
  return endOf(action === "never" ? "refused" : "left", room ?? why);
}

async function isUnordered(client: OwnClient, leaf: LeafFacts): Promise<boolean> {
  const { sealedPages } = leaf;
  if (sealedPages === null) return true;
  const [rows, beyond] = [await countRows(client, leaf), await countBeyond(client, leaf, sealedPages)];
  return mustRewrite({ sealedPages, rows, beyond });
}

async function countRows(client: OwnClient, leaf: LeafFacts): Promise<number> {
  return (await listStoredParts(client, leaf)).reduce((sum, { rows }) => sum + rows, 0);
}

/** The table and its old one are both there for QUARANTINE_DAYS. */
async function findLackOfRoom(
  client: OwnClient,
  leaf: LeafFacts,
  budgetBytes: number | null,
): Promise<string | null> {
  if (budgetBytes === null) return null;
  const { bytes, database } = await measureLeaf(client, leaf);
  if (database + bytes <= budgetBytes) return null;
  return `the rewrite needs ${renderBytes(bytes)}, and the database has ${renderBytes(database)} of DB_SIZE_BUDGET_GB: the old tables in the schema quarantine go after ${QUARANTINE_DAYS} days, or raise the budget`;
}

/** What a killed run left of a leaf that cannot be sealed now. */
async function clearLeft(client: OwnClient, leaf: LeafFacts, why: string | null): Promise<void> {
  await dropScratch(client, leaf);
  const state = await readLeafState(client, leaf.name);
  if (state?.state !== "sealing") return;
  const { token } = state;
  const dropGuard = leaf.sealedAt === null;
  await releaseLeaf(client, { name: leaf.name, token }, { state: "open", note: why, dropGuard });
}

type Taking = { readonly isRewritten: boolean; readonly why: string | null };

async function takeAndSeal(
  tools: SealTools,
  client: OwnClient,
  leaf: LeafFacts,
  { isRewritten, why }: Taking,
): Promise<LeafEnd> {
  const { context, locks } = tools;
  const since = Date.now();
  const { signal } = locks;
  const taken = await takeLeaf(client, leaf, { state: "sealing", runId: context.runId, signal });
  try {
    const refusal = await proveCopies(tools, client, leaf, since);
    if ("outcome" in refusal) {
      // a person sets the rows right by hand
      const dropGuard = refusal.outcome === "refused";
      await giveUp(tools, leaf, { taken, note: refusal.why, dropGuard });
      return refusal;
    }
    const { tiers } = refusal;
    const rows = await countRows(client, leaf);
    const note = why;
    const sealed = isRewritten
      ? await rewriteLeaf({ ...tools, client }, leaf, { taken, note })
      : await keepLeaf(client, leaf, { taken, note });
    if (sealed.isDone) return { outcome: "sealed", why, rows, isRewritten, pages: sealed.pages, tiers };
    await giveUp(tools, leaf, { taken, note: sealed.why, dropGuard: false });
    return endOf(sealed.outcome, sealed.why);
  } catch (error) {
    await giveUp(tools, leaf, { taken, note: messageOf(error), dropGuard: false });
    throw error;
  }
}

/** The tiers that hold the leaf as it is; else why it is not sealed. */
async function proveCopies(
  { backups }: SealTools,
  client: OwnClient,
  leaf: LeafFacts,
  since: number,
): Promise<{ readonly tiers: readonly Tier[] } | LeafEnd> {
  const { open, unbased } = await backups.backUp(leaf.name);
  if (open > 0) return endOf("refused", describeSuspects(open));
  if (unbased > 0)
    return endOf("failed", `${unbased} of its parts lie in no object as they are; the next backup may help`);
  const unexplained = await findUnexplained(client, leaf);
  if (unexplained !== null) return endOf("refused", unexplained);
  // what was read back before the leaf was sealed the last time lies there since; the scrub of the tiers reads it again
  const { tiers, faults } = await backups.confirm(leaf.name, leaf.sealedAt === null ? since : 0);
  if (tiers.length >= LEAST_TIERS) return { tiers };
  const away = backups.faults();
  const sentence = `only ${tiers.length} of the ${LEAST_TIERS} tiers that a sealed leaf needs gave it back whole`;
  if (away.length > 0) throw new TryAgain(`${sentence}: ${[...away, ...faults].join("; ")}`);
  return endOf("failed", `${sentence}: ${faults.join("; ")}`);
}

/** Its rows lie in order already, but for some. */
async function keepLeaf(
  client: OwnClient,
  leaf: LeafFacts,
  { taken, note }: { readonly taken: TakenLeaf; readonly note: string | null },
): Promise<Sealing> {
  const { token } = taken;
  const isSealed = await releaseLeaf(
    client,
    { name: leaf.name, token },
    { state: "sealed", note, dropGuard: false },
  );
  if (!isSealed) return REOPENED;
  await tidyLeaf(client, leaf);
  return { isDone: true, pages: null };
}
