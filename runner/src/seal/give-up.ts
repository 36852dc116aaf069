import { releaseLeaf, type TakenLeaf } from "../db/leaf/guard.ts";
import { dropScratch } from "../db/leaf/scratch.ts";
import { own } from "../db/session.ts";
import type { LeafFacts } from "./seal-plan.ts";
import type { SealTools } from "./seal-work.ts";

export type GivingUp = {
  readonly taken: TakenLeaf;
  readonly note: string | null;
  readonly dropGuard: boolean;
};

/** The run may be stopped, and its grace is 10 s. */
const GIVE_UP_MS = 6_000;

/**
 * Opens a leaf again that was taken and is not sealed, on a connection of its own, since the other one may be lost. The guard goes with `dropGuard`, and from a leaf that was
 * never sealed. Where this fails too, writers reopen the leaf by themselves, and the next run settles it.
 */
export async function giveUp(
  { db, context }: Pick<SealTools, "db" | "context">,
  leaf: LeafFacts,
  { taken, note, dropGuard }: GivingUp,
): Promise<void> {
  const signal = AbortSignal.timeout(GIVE_UP_MS);
  const { token } = taken;
  try {
    await own(db, signal, async (client) => {
      await releaseLeaf(
        client,
        { name: leaf.name, token },
        {
          state: "open",
          note,
          dropGuard: dropGuard || leaf.sealedAt === null,
          patienceMs: GIVE_UP_MS / 2,
          signal,
        },
      );
      await dropScratch(client, leaf);
    });
  } catch (error) {
    context.log.warn(
      { "event.name": "leaf_kept", leaf: leaf.name, err: error },
      `[SEAL] r3a.${leaf.name} could not be given back; the next seal does it, and writers go on meanwhile`,
    );
  }
}
