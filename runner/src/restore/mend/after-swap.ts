import { EXIT } from "../../contract/exits.ts";
import { messageOf, SettingsFault, Stopped, TryAgain } from "../../errors.ts";
import type { After } from "./mend-outcome.ts";
import type { MendTools } from "./mend-tools.ts";
import type { SwappedLeaf } from "./wired.ts";

/**
 * What follows a swap: the exchange is asked for the end of the leaf and for its gaps, and the leaf is compared. The swap stays
 * whatever comes out; a stop of the whole run ends it.
 */
export async function followUp(
  { wired, attempt: { context } }: Pick<MendTools, "wired" | "attempt">,
  leaf: SwappedLeaf,
): Promise<readonly After[]> {
  const after: After[] = [];
  const take = async (step: After["step"], work: () => Promise<Omit<After, "step">>) => {
    const end = await work().catch((error: unknown): Omit<After, "step"> => {
      if (error instanceof Stopped || context.signal.aborted) throw error;
      const text = error instanceof SettingsFault ? error.faults.join("; ") : messageOf(error);
      return { isOk: error instanceof TryAgain ? null : false, text };
    });
    if (end.isOk !== true)
      context.log.warn(
        { "event.name": "leaf_after_swap", leaf: leaf.name, step },
        `[RESTORE] ${leaf.name}, ${step}: ${end.text}`,
      );
    after.push({ step, ...end });
  };
  await take("sync", async () => {
    const code = await wired.fill(leaf, context.signal);
    return {
      isOk: code === EXIT.done,
      text: code === EXIT.done ? "" : "some series failed; runs says which",
    };
  });
  await take("verify", () => wired.verify(leaf, context.signal));
  await take("scrub", () => wired.scrub(leaf, context.signal));
  return after;
}
