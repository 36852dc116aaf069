import { EXIT, type ExitCode } from "../contract/exits.ts";
import { messageOf } from "../errors.ts";
import { renderCount, renderNumber, renderTable, wrapLine } from "../render.ts";
import { renderResult } from "../result.ts";
import { failedBy, type RunResult } from "../run.ts";
import type { PlannedLeaf, SealedLeaf, SealPlan, SealResult } from "./seal-run.ts";

/** 3 where a person holds the recovery; 1 where a person must look at a leaf. What the next run takes up by itself is none. */
export function resultOf({ leaves, held, stop }: SealResult): RunResult {
  const bad = leaves.filter(({ outcome }) => outcome === "failed" || outcome === "refused");
  const reasons = bad.map(({ leaf, why }) => `${leaf}: ${why}`);
  if (stop !== null) return failedBy(stop);
  if (held !== null) return { exitCode: EXIT.brake, reason: describeHold(held) };
  const hasFindings = bad.every(({ outcome }) => outcome === "refused");
  return { exitCode: exitOf(bad), hasFindings, reason: reasons.join("; ") };
}

function exitOf(bad: readonly SealedLeaf[]): ExitCode {
  return bad.length > 0 ? EXIT.failed : EXIT.done;
}

function describeHold(reason: string): string {
  return `the recovery is held, so nothing is swapped: ${reason}; restore --resume lets it go on`;
}

/** A person reads no more reasons; the JSON has all. */
const MOST_REASONS = 20;

/** In at most 80 columns. */
export function renderSeal({ leaves, held, stop }: SealResult): string {
  const sealed = leaves.filter(({ outcome }) => outcome === "sealed");
  const others = leaves.filter(({ outcome }) => outcome !== "sealed");
  const lines = [
    leaves.length === 0 && held === null && stop === null
      ? "every leaf that is over is sealed"
      : `${renderCount(sealed.length, "leaf", "leaves")} sealed, ${others.length} not`,
  ];
  if (sealed.length > 0)
    lines.push(
      "",
      renderTable(
        ["leaf", "rows", "pages before", "after", "tiers"],
        sealed.map(({ leaf, rows, pages, tiers }) => [
          ...[leaf, renderNumber(rows)],
          ...(pages === null ? ["kept", ""] : [renderNumber(pages.before), renderNumber(pages.after)]),
          tiers.join(", "),
        ]),
      ),
    );
  const said = [...others, ...sealed].filter(({ why }) => why !== null);
  if (said.length > 0) lines.push("");
  for (const { leaf, outcome, why } of said.slice(0, MOST_REASONS))
    lines.push(wrapLine(`${leaf} ${outcome}: ${why}`));
  if (said.length > MOST_REASONS) lines.push(`and ${said.length - MOST_REASONS} more`);
  if (held !== null) lines.push(wrapLine(describeHold(held)));
  if (stop !== null) lines.push(wrapLine(`stopped: ${messageOf(stop)}`));
  return `${lines.join("\n")}\n`;
}

export function renderSealJson({ leaves, held, stop }: SealResult): string {
  return renderResult("seal", { leaves, held, stopped: stop === null ? null : messageOf(stop) });
}

const ACTION: Readonly<Record<PlannedLeaf["action"], string>> = {
  ...{ seal: "seal", wait: "wait", never: "look first", none: "nothing to do" },
};

export function renderSealPlan({ held, leaves }: SealPlan): string {
  const count = leaves.filter(({ action }) => action === "seal").length;
  const lines = [
    ...(held === null ? [] : [wrapLine(describeHold(held)), ""]),
    `${renderCount(count, "leaf", "leaves")} to seal`,
  ];
  if (leaves.length > 0)
    lines.push(
      "",
      renderTable(
        ["leaf", "what a run does"],
        leaves.map(({ leaf, action, isReopened }) => [
          leaf,
          action === "seal" && isReopened ? "seal again" : ACTION[action],
        ]),
      ),
    );
  const said = leaves.filter(({ why }) => why !== null);
  if (said.length > 0) lines.push("", ...said.map(({ leaf, why }) => wrapLine(`${leaf}: ${why}`)));
  return `${lines.join("\n")}\n`;
}

export function renderSealPlanJson({ held, leaves }: SealPlan): string {
  return renderResult("seal", { dryRun: true, held, leaves });
}
