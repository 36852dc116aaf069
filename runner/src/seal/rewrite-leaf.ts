import { listStoredParts } from "../db/backup/ledger.ts";
import { readPartStates } from "../db/backup/part-state.ts";
import type { TakenLeaf } from "../db/leaf/guard.ts";
import { finishScratch, makeScratch, scratchOf } from "../db/leaf/scratch.ts";
import { readLeafState, setLeafState } from "../db/leaf/state.ts";
import { swapLeaf } from "../db/leaf/swap.ts";
import { isBusy } from "../db/lock-retry.ts";
import { moveLook } from "../db/seal/move-look.ts";
import { fillScratch, findOldest, freezeScratch, measureLeaf } from "../db/seal/rewrite.ts";
import type { OwnClient } from "../db/session.ts";
import { messageOf } from "../errors.ts";
import { sleep } from "../sleep.ts";
import { MINUTE_MS, renderDuration } from "../time.ts";
import type { LeafFacts } from "./seal-plan.ts";
import { REOPENED, type Sealing, type SealTools } from "./seal-work.ts";

type Tools = SealTools & { readonly client: OwnClient };
type Taking = { readonly taken: TakenLeaf; readonly note: string | null };

/** Reports and backups of some minutes end; a transaction that was forgotten does not. */
const FREEZE_PATIENCE_MS = 5 * MINUTE_MS;
const FREEZE_PAUSE_MS = 1_000;
const SWAP_PATIENCE_MS = 5 * MINUTE_MS;

/**
 * Writes the rows in the order of their key into a table of their own, compares it with the ledger, and puts it into the place
 * of the old one. The leaf is guarded and `sealing`: whoever writes to it meanwhile sets its state, which the swap sees.
 */
export async function rewriteLeaf(tools: Tools, leaf: LeafFacts, { taken, note }: Taking): Promise<Sealing> {
  const { client, context, locks } = tools;
  const { token } = taken;
  const { pages: before } = await measureLeaf(client, leaf);
  await makeScratch(client, leaf);
  const xid = await fillScratch(client, leaf);
  const odd = await findDifference(client, leaf);
  // what was written since the backup is in the new table too
  if (!(await isMine(client, leaf, taken))) return REOPENED;
  if (odd !== null) throw new Error(odd);
  const refusal = await waitUntilFrozen(tools, leaf, { taken, xid });
  if (refusal !== null) return refusal;
  await finishScratch(client, leaf);
  const { pages: after } = await measureLeaf(client, scratchOf(leaf));
  const outcome = await swapLeaf(client, {
    ...{ ...taken, leaf, state: "sealing", guard: true, why: "sealed: its rows in the order of their key" },
    runId: context.runId,
    ...{ patienceMs: SWAP_PATIENCE_MS, signal: locks.signal },
    prepare: async () => {},
    finish: async (swapping) => {
      const next = { state: "sealed", note, sealedPages: after } as const;
      if (!(await setLeafState(swapping, { leaf: leaf.name, token }, next)))
        throw new Error(`r3a.${leaf.name} was taken by another run in the middle of its swap`);
    },
  });
  if (outcome.outcome !== "swapped")
    return {
      ...{ isDone: false, why: outcome.why },
      outcome: outcome.outcome === "held" ? "left" : "reopened",
    };
  await moveLook(client, { leaf: leaf.name, token, runId: context.runId, xid }).catch((error: unknown) => {
    locks.signal.throwIfAborted();
    context.log.warn(
      { "event.name": "look_kept", leaf: leaf.name, err: error },
      `[SEAL] the next backup reads r3a.${leaf.name} anew: ${messageOf(error)}`,
    );
  });
  return { isDone: true, pages: { before, after } };
}

/** How the new table differs from what restores; null: it does not. */
async function findDifference(client: OwnClient, leaf: LeafFacts): Promise<string | null> {
  const parts = (await listStoredParts(client, leaf)).filter(({ rows }) => rows > 0);
  const states = new Map(
    (await readPartStates(client, scratchOf(leaf))).map((state) => [
      `${state.coinId}:${state.interval}`,
      state,
    ]),
  );
  const isSame = (part: (typeof parts)[number]) => {
    const state = states.get(`${part.coinId}:${part.interval}`);
    return (
      state?.rows === part.rows &&
      state.hash === part.hash &&
      state.nullRows === part.nullRows &&
      state.nullHash === part.nullHash
    );
  };
  const odd = parts.find((part) => !isSame(part));
  if (odd === undefined && states.size === parts.length) return null;
  const named =
    odd === undefined ? "it has parts that no backup knows" : `coin ${odd.coinId} ${odd.interval} differs`;
  return `the rows that were written in order are not those of the backup (${named}): the table or an index of r3a.${leaf.name} may be damaged; run scrub --leaf ${leaf.name}`;
}

/** Whether nobody wrote to the leaf or took it since it was taken. */
async function isMine(client: OwnClient, leaf: LeafFacts, { token }: TakenLeaf): Promise<boolean> {
  const state = await readLeafState(client, leaf.name);
  return state?.state === "sealing" && state.token === token;
}

/** Null once every snapshot sees the rows. */
async function waitUntilFrozen(
  { client, locks }: Tools,
  leaf: LeafFacts,
  { taken, xid }: { readonly taken: TakenLeaf; readonly xid: string },
): Promise<Sealing | null> {
  const until = performance.now() + FREEZE_PATIENCE_MS;
  for (;;) {
    if (await tryToFreeze(client, leaf, xid)) return null;
    if (!(await isMine(client, leaf, taken))) return REOPENED;
    if (performance.now() > until) {
      const why = `${await findOldest(client, xid)} has a snapshot that is older than the rewritten rows, for more than ${renderDuration(FREEZE_PATIENCE_MS)}; end it (doctor says how)`;
      return { isDone: false, outcome: "busy", why };
    }
    await sleep(FREEZE_PAUSE_MS * (0.5 + Math.random()), locks.signal);
  }
}

/** autovacuum may be at work on the same table. */
async function tryToFreeze(client: OwnClient, leaf: LeafFacts, xid: string): Promise<boolean> {
  try {
    return await freezeScratch(client, leaf, xid);
  } catch (error) {
    if (isBusy(error)) return false;
    throw error;
  }
}
