import { EXIT, type ExitCode } from "../contract/exits.ts";
import { renderResult } from "../result.ts";
import { MARK } from "../status.ts";
import type { CheckedTier } from "./check-run.ts";

/** 0 where no step failed. Else by what helps: 78 a setting or a right, 75 a later try, 1 a look at what lies there. */
export function exitOf(tiers: readonly CheckedTier[]): ExitCode {
  const cures = new Set(tiers.flatMap(({ steps }) => steps.flatMap(({ cure }) => cure ?? [])));
  if (cures.size === 0) return EXIT.done;
  if (cures.has("look")) return EXIT.failed;
  return cures.has("settings") ? EXIT.settings : EXIT.tryAgain;
}

export function renderCheck(tiers: readonly CheckedTier[]): string {
  const lines = tiers.flatMap(({ tier, address, steps }) => [
    `${tier} (${address})`,
    ...steps.map(
      ({ name, status, output }) => `  ${MARK[status]} ${status.padEnd(4)}  ${name.padEnd(9)}  ${output}`,
    ),
  ]);
  return `${lines.join("\n")}\n`;
}

export function renderCheckJson(tiers: readonly CheckedTier[]): string {
  return renderResult("backup", {
    check: true,
    tiers: tiers.map(({ steps, ...tier }) => ({
      ...tier,
      steps: steps.map(({ name, status, output }) => ({ name, status, output })),
    })),
  });
}

type Planned = Pick<CheckedTier, "tier" | "address">;

/** What the check would do. */
export function renderCheckPlan(tiers: readonly Planned[]): string {
  const lines = tiers.map(
    ({ tier, address }) =>
      `${tier} (${address}): a small object would be written, read, written again and deleted`,
  );
  return `${lines.join("\n")}\n`;
}

export function renderCheckPlanJson(tiers: readonly Planned[]): string {
  return renderResult("backup", {
    ...{ dryRun: true, check: true },
    tiers: tiers.map(({ tier, address }) => ({ tier, address })),
  });
}
