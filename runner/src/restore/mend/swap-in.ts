import type { Detector } from "../../contract/damage.ts";
import { type BackupLeaf, tableOf } from "../../db/backup/backup-leaf.ts";
import { type TakenLeaf, takeLeaf } from "../../db/leaf/guard.ts";
import { finishScratch } from "../../db/leaf/scratch.ts";
import { readLeafState, setLeafState } from "../../db/leaf/state.ts";
import { swapLeaf } from "../../db/leaf/swap.ts";
import { bringBack } from "../../db/restore/mend/bring-back.ts";
import { catchUp } from "../../db/restore/mend/catch-up.ts";
import { closeFindings, MENDED } from "../../db/restore/mend/damaged.ts";
import { giveBack } from "../../db/restore/mend/left-overs.ts";
import { logMissing } from "../../db/restore/mend/log-missing.ts";
import { type Mark, readMark } from "../../db/restore/mend/mark.ts";
import { noteRevised, readBeforeRevisions } from "../../db/restore/mend/note-revised.ts";
import { applyRevisions } from "../../db/restore/mend/revisions.ts";
import { salvageRows } from "../../db/restore/mend/salvage.ts";
import { readStored } from "../../db/restore/mend/stored.ts";
import { takeOver } from "../../db/restore/mend/take-over.ts";
import { own } from "../../db/session.ts";
import { MINUTE_MS } from "../../time.ts";
import type { MendLocks } from "./mend-locks.ts";
import type { Added, MendedLeaf } from "./mend-outcome.ts";
import type { MendTools } from "./mend-tools.ts";

/** A reader may hold a leaf for as long as a long report takes. */
const PATIENCE_MS = 10 * MINUTE_MS;

/** `since`: the moment that the rows of the scratch table show (ms); null: no backup gave them. */
type Swap = {
  readonly leaf: BackupLeaf;
  readonly since: number | null;
  readonly detectors: readonly Detector[];
};
type Swapped = Pick<MendedLeaf, "outcome" | "why" | "added">;
/** `mark`: read before the leaf was taken, so every later writer is behind it. */
type Taken = TakenLeaf & { readonly wasSealed: boolean; readonly mark: Mark };

/**
 * Takes the leaf, adds to its scratch table what is newer than the backup, and swaps the table in. Where the table is not
 * swapped, or where this throws, the leaf is given back as it was; a run that dies leaves that to the next one.
 */
export async function swapIn(tools: MendTools, locks: MendLocks, swap: Swap): Promise<Swapped> {
  const { db } = tools;
  const { name } = swap.leaf;
  const taken = await take(tools, locks, swap.leaf);
  let isSwapped = false;
  try {
    const swapped = await fillAndSwap(tools, locks, { ...swap, taken });
    isSwapped = swapped.outcome === "mended";
    return swapped;
  } finally {
    if (!isSwapped) {
      // a stop of the run has ended every statement of its own connections
      const giving = own(db, AbortSignal.timeout(MINUTE_MS), (client) =>
        giveBack(client, { name, ...taken }),
      );
      await giving.catch(() => {}); // the next run gives back what this one could not
    }
  }
}

async function take(
  { db, attempt: { context } }: MendTools,
  locks: MendLocks,
  leaf: BackupLeaf,
): Promise<Taken> {
  const { signal } = locks.current;
  return own(db, signal, async (client) => {
    await bringBack(client, leaf, signal);
    const before = await readLeafState(client, leaf.name);
    const mark = await readMark(client);
    const taken = await takeLeaf(client, leaf, { state: "restoring", runId: context.runId, signal });
    return { ...taken, mark, wasSealed: before !== null && before.sealedAt !== null };
  });
}

async function fillAndSwap(
  { db, attempt: { context } }: MendTools,
  locks: MendLocks,
  { leaf, since, detectors, taken }: Swap & { readonly taken: Taken },
): Promise<Swapped> {
  const before =
    since === null
      ? null
      : await own(db, locks.current.signal, (client) => readBeforeRevisions(client, leaf, { at: since }));
  const revised =
    since === null
      ? NO_REVISIONS
      : await own(db, locks.current.signal, (client) => applyRevisions(client, leaf, { at: since }));
  // not the signal of the locks: reading a damaged page may end the server, and the salvage goes on afterwards
  const reach = { db, signal: context.signal };
  const oldTable = tableOf({ name: leaf.name });
  const salvaged = await salvageRows(reach, leaf, oldTable);
  await locks.regain();
  await own(db, locks.current.signal, (client) => finishScratch(client, leaf));
  const caught = await catchUp(reach, leaf, { oldTable, mark: taken.mark });
  await locks.regain();
  return own(db, locks.current.signal, async (client) => {
    const stored = await readStored(client, leaf);
    let gaps = 0;
    const { runId } = context;
    const end = await swapLeaf(client, {
      ...{ leaf, ...taken, runId, state: "restoring", guard: taken.wasSealed, patienceMs: PATIENCE_MS },
      ...{ why: `${MENDED}${detectors.join(", ")}`, signal: locks.current.signal },
      prepare: async () => {
        const last = await takeOver(client, leaf, { oldTable, mark: caught.mark });
        const error = `lost in a damaged leaf (${detectors.join(", ")})`;
        if (before !== null) await noteRevised(client, leaf, { before, runId });
        gaps = (await logMissing(client, leaf, { stored, taken: last, error, runId })).slots;
      },
      finish: async () => {
        const state = taken.wasSealed ? "open" : "none";
        await setLeafState(client, { leaf: leaf.name, token: taken.token }, { state, note: null });
        await closeFindings(client, leaf.name, runId);
      },
    });
    if (end.outcome === "changed") return { outcome: "busy", why: end.why, added: null };
    if (end.outcome === "held") return { outcome: "prepared", why: `held: ${end.why}`, added: null };
    const added: Added = {
      revised: revised.changed + revised.added,
      salvaged: salvaged.added + salvaged.filled,
      gaps,
    };
    return { outcome: "mended", why: null, added };
  });
}

const NO_REVISIONS = { changed: 0, added: 0 };
