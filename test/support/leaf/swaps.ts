import { tableOf } from "../../../runner/src/db/backup/backup-leaf.ts";
import { openDatabase } from "../../../runner/src/db/connect.ts";
import { COPY_COLUMNS } from "../../../runner/src/db/copy-lines.ts";
import { takeLeaf } from "../../../runner/src/db/leaf/guard.ts";
import { finishScratch, makeScratch, scratchOf } from "../../../runner/src/db/leaf/scratch.ts";
import { setLeafState } from "../../../runner/src/db/leaf/state.ts";
import { swapLeaf } from "../../../runner/src/db/leaf/swap.ts";
import type { SwapOptions, SwapOutcome } from "../../../runner/src/db/leaf/swap-terms.ts";
import { type OwnClient, own } from "../../../runner/src/db/session.ts";
import type { Leaf } from "../../../runner/src/partition/layout.ts";

/** What a test adds to a swap. `beforeSwap`: after the scratch table is finished. */
export type SwapChanges = Partial<
  Pick<SwapOptions, "prepare" | "finish" | "patienceMs" | "state" | "signal" | "guard">
> & {
  readonly beforeSwap?: (client: OwnClient) => Promise<void>;
};

/** A connection of its own to the database of the address. */
export async function ownClient<T>(url: string, work: (client: OwnClient) => Promise<T>): Promise<T> {
  const db = openDatabase(url, "swap test");
  try {
    return await own(db, new AbortController().signal, work);
  } finally {
    await db.pool.end();
  }
}

/** Fills the finished scratch table of a leaf with its rows in the order of the key. */
export async function fillScratch(client: OwnClient, leaf: Leaf): Promise<void> {
  await makeScratch(client, leaf);
  await client.query(
    `insert into ${tableOf(scratchOf(leaf))} (${COPY_COLUMNS}) select ${COPY_COLUMNS} from ${tableOf(leaf)} order by coin_id, "interval", "timestamp"`,
  );
  await finishScratch(client, leaf);
}

/** Rewrites a leaf as `seal` does: taken, copied, swapped; the new table is guarded and the leaf is sealed. */
export async function swapFilled(
  client: OwnClient,
  leaf: Leaf,
  changes: SwapChanges = {},
): Promise<SwapOutcome> {
  const { beforeSwap, state = "sealing", ...others } = changes;
  const taken = await takeLeaf(client, leaf, { state, runId: null });
  if (taken.oid === null) {
    await makeScratch(client, leaf);
    await finishScratch(client, leaf);
  } else await fillScratch(client, leaf);
  await beforeSwap?.(client);
  return swapLeaf(client, {
    ...{ leaf, ...taken, state, guard: true, why: "a test", runId: null, patienceMs: 60_000 },
    ...{ signal: new AbortController().signal, prepare: async () => {} },
    async finish(inSwap) {
      await setLeafState(inSwap, { leaf: leaf.name, token: taken.token }, { state: "sealed", note: null });
    },
    ...others,
  });
}

/** The same on a connection of its own. */
export async function rewriteLeaf(url: string, leaf: Leaf, changes: SwapChanges = {}): Promise<SwapOutcome> {
  return ownClient(url, (client) => swapFilled(client, leaf, changes));
}
