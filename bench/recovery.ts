import { measureMend } from "./mend-month.ts";
import { measureHistory } from "./recovery-history.ts";
import { measureMonth } from "./recovery-month.ts";
import type { Figure } from "./report.ts";
import type { Stage } from "./stage.ts";

/** What backups and restores cost, against psql, zstd and a person's SQL. */
export async function measureRecovery(stage: Stage): Promise<readonly Figure[]> {
  return [...(await measureMonth(stage)), ...(await measureMend(stage)), ...(await measureHistory(stage))];
}
