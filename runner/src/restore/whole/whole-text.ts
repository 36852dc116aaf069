import { renderCount, renderTable, wrapLine } from "../../render.ts";
import { renderResult } from "../../result.ts";
import { renderDuration } from "../../time.ts";
import { concludeNone, renderRefused } from "../refused-text.ts";
import type { LeafResult } from "./load-leaves.ts";
import type { WholeOutcome } from "./whole-outcome.ts";

type Shown = { readonly isPreview: boolean };

export function renderWholeJson(outcome: WholeOutcome, { isPreview }: Shown): string {
  const { from, isResumed, isOver, tables, leaves, rows, hotMs, ms, refused } = outcome;
  return renderResult("restore", {
    ...(isPreview ? { dryRun: true } : {}),
    ...{ whole: true, from, isResumed, isOver, tables },
    leaves: leaves.map(({ name, ms: durationMs, ...leaf }) => ({ leaf: name, ...leaf, durationMs })),
    ...{ rows, hotMs, durationMs: ms },
    refused: refused.map(({ tier, manifest, leaf, reason }) => ({ tier, manifest, leaf, reason })),
  });
}

/** The same for a person. */
export function renderWhole(outcome: WholeOutcome, shown: Shown): string {
  const { from, leaves, tables, refused } = outcome;
  if (from === null) return `${[wrapLine(concludeNone(refused)), ...renderRefused(refused)].join("\n")}\n`;
  const lines = [
    wrapLine(`from ${from.tier}, ${from.manifest}: everything as of ${from.snapshotAt}`),
    "",
    ...(tables.length === 0
      ? []
      : [
          renderTable(
            ["table", shown.isPreview ? "rows, at most" : "rows"],
            tables.map(({ name, rows }) => [name, rows]),
          ),
          "",
        ]),
    renderTable(
      ["leaf", "hot set", "tier", "rows", ""],
      leaves.map((leaf) => [
        ...[leaf.name, leaf.isHot ? "yes" : "", leaf.tier ?? "", leaf.rows],
        wordsOf(leaf),
      ]),
    ),
    "",
    ...renderEnd(outcome, shown).map(wrapLine),
    ...renderRefused(refused),
  ];
  return `${lines.join("\n")}\n`;
}

function wordsOf({ outcome, isWaiting, isAway }: LeafResult): string {
  if (outcome === "planned") return "would be restored";
  if (outcome === "restored") return "is restored";
  if (!isWaiting) return "lost: no backup of it can be restored from";
  return isAway ? "waits: a tier gave no answer" : "waits: no backup of it can be restored from";
}

function renderEnd(outcome: WholeOutcome, { isPreview }: Shown): readonly string[] {
  const { leaves, rows, hotMs, ms, isOver } = outcome;
  if (isPreview) return [`${renderCount(leaves.length, "leaf", "leaves")} with ${renderCount(rows, "row")}`];
  const hot =
    hotMs === null
      ? "the hot set is not complete, and every other command waits for it"
      : `the database could be used after ${renderDuration(hotMs)}`;
  const restored = leaves.filter(({ outcome: state }) => state === "restored").length;
  const lines = [
    `${renderCount(restored, "leaf", "leaves")} with ${renderCount(rows, "row")} in ${renderDuration(ms)}; ${hot}`,
  ];
  const waiting = leaves.filter(({ isWaiting }) => isWaiting);
  const refused = waiting.filter(({ isAway }) => !isAway);
  if (refused.length > 0)
    lines.push(
      `no backup gave ${nameSome(refused)}: look at the reasons below, set the right key, mount the tiers, and run the same command again: it goes on with what still waits. Only if no backup will ever have them, add --accept-loss "WHY": they become open gaps, and the restore ends`,
    );
  else if (!isOver) lines.push("run the same command again: it goes on with what still waits");
  if (leaves.some((leaf) => leaf.outcome === "failed" && !leaf.isWaiting))
    lines.push("what no backup has is in the gap log, and the next sync asks the exchange for it");
  return lines;
}

const MOST_NAMES = 8;

function nameSome(leaves: readonly LeafResult[]): string {
  const names = leaves.slice(0, MOST_NAMES).map(({ name }) => name);
  const more = leaves.length - names.length;
  return `${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
