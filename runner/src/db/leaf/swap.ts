import { QUARANTINE_SCHEMA } from "../../contract/names.ts";
import { type BackupLeaf, tableOf } from "../backup/backup-leaf.ts";
import { listTableHolders, renderSessions } from "../connection/sessions.ts";
import { Busy, isBusy, retryBusy } from "../lock-retry.ts";
import type { OwnClient } from "../session.ts";
import { ensureSchema } from "./schemas.ts";
import { finishScratch } from "./scratch.ts";
import { attemptSwap, Unlike } from "./swap-attempt.ts";
import type { SwapOptions, SwapOutcome } from "./swap-terms.ts";

/** A reader may hold the leaf alone; a leaf that is gone has no holder. */
const FIND = `select name from unnest($1::text[]) as name where to_regclass(name) is not null`;

/** So often what somebody adds to the leaf while the scratch table is filled is added to the scratch table. */
const TIMES_TO_CATCH_UP = 3;

/**
 * Puts the finished scratch table of a taken leaf in the place of its table, which goes to the schema quarantine: in one
 * transaction, so that nobody ever sees the leaf twice or not at all. Each attempt waits 100 ms at most, in all, for what
 * readers and writers hold; in the pauses they get through, and no session is ended. `changed`: the leaf is not as takeLeaf
 * left it; `held`: a person stopped the recovery. Then, and where it throws, nothing was changed. Busy where `patienceMs` was
 * too short; CannotSwap where the leaf has got what no swap can keep. Outside of a transaction.
 */
export async function swapLeaf(client: OwnClient, options: SwapOptions): Promise<SwapOutcome> {
  const { leaf, patienceMs, signal } = options;
  const begunAt = performance.now();
  await ensureSchema(client, QUARANTINE_SCHEMA);
  for (let time = 1; ; time += 1) {
    try {
      return await retryBusy(
        (attempt) => attemptSwap(client, options, attempt),
        begunAt + patienceMs,
        signal,
      );
    } catch (error) {
      if (!(error instanceof Unlike))
        throw isBusy(error) ? await explain(client, leaf, { begunAt, error }) : error;
      if (time === TIMES_TO_CATCH_UP) return { outcome: "changed", why: error.message };
      await finishScratch(client, leaf);
    }
  }
}

async function explain(
  client: OwnClient,
  leaf: BackupLeaf,
  { begunAt, error }: { readonly begunAt: number; readonly error: unknown },
): Promise<Busy> {
  const seconds = Math.round((performance.now() - begunAt) / 1000);
  const place = await client.query<{ name: string }>(FIND, [[tableOf({ name: leaf.parent }), tableOf(leaf)]]);
  const holders = renderSessions(
    await listTableHolders(
      client,
      place.map(({ name }) => name),
    ),
  );
  return new Busy(
    `r3a.${leaf.name} could not be swapped in ${seconds} s: other sessions held it or r3a.${leaf.parent} all the time; at this moment: ${holders || "nobody"}. Nothing was changed; run the command again once they are done`,
    error,
  );
}
