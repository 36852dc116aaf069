import type { Figure } from "./report.ts";
import { measureSealedCopy } from "./sealed-copy.ts";
import { measureSealedLeaf } from "./sealed-leaf.ts";
import { measureSwapStall } from "./sealed-stall.ts";
import type { Stage } from "./stage.ts";

/** What sealed leaves cost those who write and read beside them. */
export async function measureSealed(stage: Stage): Promise<readonly Figure[]> {
  return [
    ...(await measureSwapStall(stage)),
    ...(await measureSealedCopy(stage)),
    ...(await measureSealedLeaf(stage)),
  ];
}
