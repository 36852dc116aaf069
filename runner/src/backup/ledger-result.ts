import type { RunResult } from "../run.ts";
import type { BackupResult } from "./backup-run.ts";
import { exitOf } from "./backup-text.ts";

/**
 * A backup as the ledger keeps it: where every tier is complete, the exit code 1 says what the backup found, and not that
 * it failed.
 */
export function resultOf(result: BackupResult): RunResult {
  const { tiers, open, lost, collapse, leftOut } = result;
  const reasons = [
    ...tiers.flatMap(({ tier, fault }) => (fault === null ? [] : [`${tier} is not complete: ${fault}`])),
    ...(open > 0 ? [`${open} candles are suspect`] : []),
    ...(lost.length > 0 ? [`${lost.length} parts are in no tier any more and left out`] : []),
    ...(collapse === null ? [] : [collapse]),
    ...(leftOut.length > 0 ? [`no backup holds ${leftOut.join(", ")}`] : []),
  ];
  return {
    exitCode: exitOf(result),
    hasFindings: tiers.every(({ fault }) => fault === null),
    reason: reasons.join("; "),
  };
}
