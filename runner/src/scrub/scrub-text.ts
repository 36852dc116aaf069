import { isAboutCandles } from "../contract/damage.ts";
import { EXIT } from "../contract/exits.ts";
import type { CatalogLeaf } from "../db/leaf/leaf-catalog.ts";
import { commandLine } from "../program-name.ts";
import { renderBytes, renderCount, renderTable, wrapLine } from "../render.ts";
import { renderResult } from "../result.ts";
import type { RunResult } from "../run.ts";
import type { Scrubbed } from "./scrub-run.ts";

/** 1 where a leaf is damaged or unguarded; 75 where else something could not be looked at. */
export function resultOf({ leaves, isComplete }: Scrubbed): RunResult {
  const bad = leaves.filter(({ findings, isUnguarded }) => findings.length > 0 || isUnguarded);
  const skipped = leaves.filter(({ skipped: why }) => why !== null);
  const names = bad.map(
    ({ leaf, findings }) => `${leaf}: ${findings.map(({ detector }) => detector).join(", ") || "no guard"}`,
  );
  if (bad.length > 0)
    return { exitCode: EXIT.failed, hasFindings: true, reason: `damaged: ${names.join("; ")}` };
  if (skipped.length === 0 && isComplete) return { exitCode: EXIT.done };
  const reason = skipped.map(({ leaf, skipped: why }) => `${leaf}: ${why}`).join("; ");
  return {
    exitCode: EXIT.tryAgain,
    reason: reason || "another scrub began while the server recovered from a crash",
  };
}

/** In at most 80 columns. */
export function renderScrub({ leaves, hasAmcheck, isComplete }: Scrubbed): string {
  const damaged = leaves.filter(({ findings }) => findings.length > 0);
  const lines = [
    `${renderCount(leaves.length, "leaf was", "leaves were")} looked at, and ${damaged.length === 0 ? "none is damaged" : renderCount(damaged.length, "is damaged", "are damaged")}`,
  ];
  for (const { leaf, findings } of damaged)
    lines.push("", leaf, ...findings.map(({ detector, detail }) => wrapLine(`  ${detector}: ${detail}`)));
  if (damaged.length > 0)
    lines.push(
      "",
      "Mend them from the backups (docs/recovery.md says how):",
      `  ${commandLine("restore --damaged --dry-run")}`,
    );
  if (damaged.some(({ findings }) => findings.some(({ detector }) => isAboutCandles(detector))))
    lines.push(
      "Where a person changed the candles on purpose, keep them:",
      `  ${commandLine('backup --accept LEAF:SYMBOL --reason "WHY"')}`,
      `  ${commandLine("scrub")}`,
    );
  for (const { leaf, gone } of leaves)
    if (gone.length > 0) lines.push(wrapLine(`${leaf}: what was found before is gone: ${gone.join(", ")}`));
  for (const { leaf, isUnguarded } of leaves)
    if (isUnguarded)
      lines.push(
        wrapLine(
          `${leaf} was sealed, and its guard is gone or does not fire always, so anybody can write to it. Where nothing else is wrong it counts as open now: seal guards it again`,
        ),
      );
  for (const { leaf, skipped } of leaves)
    if (skipped !== null)
      lines.push(wrapLine(`${leaf} was not looked at as a whole; run scrub again: ${skipped}`));
  if (!isComplete)
    lines.push(
      wrapLine(
        "another scrub began while the server recovered from a crash, and goes on with the other leaves",
      ),
    );
  if (!hasAmcheck)
    lines.push(
      wrapLine(
        "amcheck cannot be used, so of each leaf only the keys of the primary key were held against the table (docs/recovery.md says how to install it)",
      ),
    );
  return `${lines.join("\n")}\n`;
}

export function renderScrubJson({ leaves, ...rest }: Scrubbed): string {
  return renderResult("scrub", {
    ...rest,
    leaves: leaves.map(({ ms, ...leaf }) => ({ ...leaf, durationMs: ms })),
  });
}

export function renderScrubPlan(leaves: readonly CatalogLeaf[]): string {
  const bytes = leaves.reduce((sum, leaf) => sum + (leaf.bytes ?? 0), 0);
  const table = renderTable(
    ["leaf", "state", "size", "rows in backups"],
    leaves.map((leaf) => [
      ...[leaf.name, leaf.state ?? "open", leaf.bytes === null ? "no table" : renderBytes(leaf.bytes)],
      leaf.ledgerRows,
    ]),
  );
  const first = `a scrub would read ${renderCount(leaves.length, "leaf", "leaves")}, ${renderBytes(bytes)}, and their indexes`;
  return `${[first, ...(leaves.length === 0 ? [] : ["", table])].join("\n")}\n`;
}

export function renderScrubPlanJson(leaves: readonly CatalogLeaf[]): string {
  return renderResult("scrub", {
    dryRun: true,
    leaves: leaves.map(({ name, state, bytes, ledgerRows }) => ({
      leaf: name,
      state,
      bytes,
      rows: ledgerRows,
    })),
  });
}
