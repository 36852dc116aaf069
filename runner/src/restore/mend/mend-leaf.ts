import { leafOfName } from "../../archive/leaf-record.ts";
import { type BackupLeaf, intervalsOf } from "../../db/backup/backup-leaf.ts";
import { isGeneral } from "../../db/fault.ts";
import { readHold } from "../../db/leaf/hold.ts";
import { dropScratch, finishScratch } from "../../db/leaf/scratch.ts";
import { Busy } from "../../db/lock-retry.ts";
import { own } from "../../db/session.ts";
import { messageOf, Stopped, TryAgain } from "../../errors.ts";
import { MINUTE_MS } from "../../time.ts";
import type { ChosenLeaf } from "../chosen-leaf.ts";
import { tryCandidates } from "../try-candidates.ts";
import { followUp } from "./after-swap.ts";
import { buildEmpty, buildScratch } from "./build-scratch.ts";
import type { MendLocks } from "./mend-locks.ts";
import type { MendedLeaf } from "./mend-outcome.ts";
import type { JudgedLeaf } from "./mend-plan.ts";
import type { MendTools } from "./mend-tools.ts";
import { swapIn } from "./swap-in.ts";

type Result = Omit<MendedLeaf, "name" | "findings" | "ms">;

const NOTHING: Result = {
  ...{ outcome: "left", why: null, from: null, rows: 0, added: null, isAway: false, after: [] },
};

/**
 * Mends one leaf as far as its verdict allows. Throws where the whole run must end; what is wrong with this leaf alone is in
 * the result.
 */
export async function mendLeaf(tools: MendTools, judged: JudgedLeaf): Promise<MendedLeaf> {
  const startedAt = performance.now();
  const { log } = tools.attempt.context;
  const { name, findings, verdict } = judged;
  const work = tools.locks === null ? plan(tools, judged) : mend(tools, tools.locks, judged);
  const leave = { ...NOTHING, why: verdict.kind === "mend" ? null : verdict.why };
  const result = await (verdict.kind === "leave" ? Promise.resolve(leave) : work).catch(
    (error: unknown): Result => {
      if (error instanceof Busy) return { ...NOTHING, outcome: "busy", why: messageOf(error) };
      if (error instanceof Stopped || error instanceof TryAgain || isGeneral(error)) throw error;
      log.error({ "event.name": "leaf_not_mended", leaf: name }, `[RESTORE] ${name}: ${messageOf(error)}`);
      return { ...NOTHING, why: messageOf(error) };
    },
  );
  return { name, findings, ...result, ms: Math.round(performance.now() - startedAt) };
}

async function plan(tools: MendTools, { name, verdict }: JudgedLeaf): Promise<Result> {
  const chosen = await tryCandidates({ ...tools.attempt, load: async () => {} }, name);
  if (chosen === null) return failed(tools, name);
  const why = verdict.kind === "mend" ? null : verdict.why;
  return { ...NOTHING, ...sourceOf(chosen), outcome: "planned", why };
}

async function mend(tools: MendTools, locks: MendLocks, judged: JudgedLeaf): Promise<Result> {
  const { request } = tools;
  const { name, findings } = judged;
  if (!(await locks.holdLeaf(name)))
    return { ...NOTHING, outcome: "busy", why: "a seal or another restore works on it" };
  let keepsScratch = false;
  try {
    const { parent, span } = leafOfName(name);
    const leaf: BackupLeaf = { name, parent, span };
    const built = await build(tools, locks, { leaf, judged });
    keepsScratch = built.result?.outcome === "prepared";
    if (built.result !== null) return built.result;
    const { chosen } = built;
    const since = chosen === null ? null : Date.parse(chosen.manifest.snapshotAt);
    const detectors = findings.map(({ detector }) => detector);
    const swapped = await swapIn(tools, locks, { leaf, since, detectors });
    const found = { ...NOTHING, ...sourceOf(chosen), ...swapped };
    keepsScratch = swapped.outcome !== "busy";
    if (swapped.outcome !== "mended") return found;
    const after = await followUp(tools, { ...leaf, intervals: intervalsOf(leaf) });
    const lost = chosen === null ? `no backup gave it, which was accepted: ${request.acceptLoss}` : null;
    return { ...found, why: lost, after };
  } finally {
    // after a swap there is none; a next run drops what this one could not
    if (!keepsScratch && !locks.current.lost.aborted)
      await own(tools.db, AbortSignal.timeout(MINUTE_MS), (client) => dropScratch(client, { name })).catch(
        () => {},
      );
    await locks.freeLeaf();
  }
}

/** `result` null: the scratch table is there and may be swapped in. */
type Built = { readonly chosen: ChosenLeaf | null; readonly result: Result | null };

async function build(
  tools: MendTools,
  locks: MendLocks,
  { leaf, judged }: { readonly leaf: BackupLeaf; readonly judged: JudgedLeaf },
): Promise<Built> {
  const { db, attempt, request } = tools;
  return own(db, locks.current.signal, async (client) => {
    const load = (wanted: Parameters<typeof buildScratch>[1], source: Parameters<typeof buildScratch>[2]) =>
      buildScratch(client, wanted, source);
    const chosen = await tryCandidates({ ...attempt, load }, leaf.name);
    if (chosen === null) {
      const lost = failed(tools, leaf.name);
      if (lost.isAway || request.acceptLoss === null) return { chosen, result: lost };
    }
    // a plan without parts loads nothing
    if (chosen === null || chosen.plan.parts.length === 0) await buildEmpty(client, leaf);
    const hold = await readHold(client);
    const braked = judged.verdict.kind === "mend" ? null : judged.verdict.why;
    const why = braked ?? (hold === null ? null : `held: ${hold.reason}`);
    if (why === null) return { chosen, result: null };
    await finishScratch(client, leaf);
    return { chosen, result: { ...NOTHING, ...sourceOf(chosen), outcome: "prepared", why } };
  });
}

/** No backup gives the leaf. */
function failed({ refused }: MendTools, name: string): Result {
  const ofLeaf = refused.filter(({ leaf }) => leaf === null || leaf === name);
  const isAway = ofLeaf.some((each) => each.isAway);
  const why = isAway
    ? "a tier that gave no answer may have it"
    : 'no backup of it can be restored from; only if none ever will, add --accept-loss "WHY"';
  return { ...NOTHING, outcome: "failed", isAway, why };
}

function sourceOf(chosen: ChosenLeaf | null): Pick<Result, "from" | "rows"> {
  if (chosen === null) return { from: null, rows: 0 };
  const { candidate, manifest, plan } = chosen;
  const from = { tier: candidate.tier, manifest: candidate.key, snapshotAt: manifest.snapshotAt };
  return { from, rows: plan.rows };
}
