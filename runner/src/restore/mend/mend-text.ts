import { QUARANTINE_DAYS } from "../../contract/names.ts";
import { renderCount, renderTable, wrapLine } from "../../render.ts";
import { renderResult } from "../../result.ts";
import { renderDuration } from "../../time.ts";
import { renderRefused } from "../refused-text.ts";
import type { MendedLeaf, MendOutcome, MendRequest } from "./mend-outcome.ts";

type Shown = Pick<MendRequest, "isPreview">;

export function renderMendJson(outcome: MendOutcome, { isPreview }: Shown): string {
  const { leaves, hold, isDiskKnown, ms, refused } = outcome;
  return renderResult("restore", {
    ...(isPreview ? { dryRun: true } : {}),
    ...{ damaged: true, hold, isDiskKnown },
    leaves: leaves.map(({ name, ms: durationMs, isAway, ...leaf }) => ({ leaf: name, ...leaf, durationMs })),
    refused: refused.map(({ tier, manifest, leaf, reason }) => ({ tier, manifest, leaf, reason })),
    durationMs: ms,
  });
}

/** The same for a person, in at most 80 columns. */
export function renderMend(outcome: MendOutcome, { isPreview }: Shown): string {
  const { leaves, hold, isDiskKnown, refused } = outcome;
  const held =
    hold === null ? [] : [wrapLine(`nothing is swapped: ${hold} (restore --resume ends the hold)`), ""];
  if (leaves.length === 0)
    return `${[...held, "no leaf is known to be damaged (scrub looks for damage)"].join("\n")}\n`;
  const lines = [
    ...held,
    renderTable(
      ["leaf", "damage", "tier", "rows", ""],
      leaves.map((leaf) => [
        ...[leaf.name, leaf.findings.map(({ detector }) => detector).join(", ")],
        ...[leaf.from?.tier ?? "", leaf.rows],
        isKept(leaf, hold) ? "would be prepared, not swapped" : WORDS[leaf.outcome],
      ]),
    ),
    "",
    ...leaves.flatMap(renderLeaf),
    ...(isDiskKnown
      ? []
      : [
          wrapLine(
            "whether the disk has room is not known: DB_SIZE_BUDGET_GB says how large the database may become",
          ),
        ]),
    wrapLine(renderEnd(outcome, isPreview)),
    ...renderRefused(refused),
  ];
  return `${lines.join("\n")}\n`;
}

const WORDS: Readonly<Record<MendedLeaf["outcome"], string>> = {
  planned: "would be restored",
  mended: "is restored",
  prepared: "prepared, not swapped",
  left: "left as it is",
  failed: "no backup gives it",
  busy: "not now",
};

function renderLeaf({ name, findings, why, added, after }: MendedLeaf): readonly string[] {
  const facts = findings.map(({ detector, detail }) => `  ${detector}: ${detail}`);
  const rows =
    added === null
      ? []
      : [
          `  ${renderCount(added.revised, "row")} of later revisions, ${renderCount(added.salvaged, "row")} of the damaged table; ${renderCount(added.gaps, "candle")} missing, now in the gap log`,
        ];
  const steps = after.map(({ step, isOk, text }) => `  ${step}: ${isOk === true ? "ok" : text}`);
  return [`${name}:`, ...facts, ...(why === null ? [] : [`  ${why}`]), ...rows, ...steps].map(wrapLine);
}

/** A planned leaf that a brake or the hold would keep out of the live table. */
function isKept({ outcome, why }: MendedLeaf, hold: MendOutcome["hold"]): boolean {
  return outcome === "planned" && (why !== null || hold !== null);
}

function renderEnd({ leaves, hold, ms }: MendOutcome, isPreview: boolean): string {
  const count = (state: MendedLeaf["outcome"]) => leaves.filter(({ outcome }) => outcome === state).length;
  const leavesOf = (n: number) => renderCount(n, "leaf", "leaves");
  const kept = leaves.filter((leaf) => isKept(leaf, hold)).length;
  if (isPreview)
    return [
      `${leavesOf(count("planned") - kept)} would be restored`,
      ...(kept === 0 ? [] : [`${leavesOf(kept)} would be prepared and not swapped`]),
    ].join(", ");
  const done = `${leavesOf(count("mended"))} restored in ${renderDuration(ms)}`;
  const old =
    count("mended") === 0
      ? ""
      : `; the tables that were there, also empty ones, lie in the schema quarantine for ${QUARANTINE_DAYS} days`;
  const waiting = count("prepared") + count("left");
  if (waiting === 0) return `${done}${old}`;
  const next =
    hold === null
      ? 'look for the cause, then restore --damaged --beyond-brakes "WHY"'
      : "restore --resume ends the hold, then restore --damaged";
  const waits = renderCount(waiting, "leaf waits", "leaves wait");
  return `${done}${old}; ${waits} for a person: ${next}`;
}
