import { EXIT, type ExitCode } from "../contract/exits.ts";
import { TIER_PROMISES } from "../contract/tiers.ts";
import { renderBytes, renderCount, renderNumber, renderTable, wrapLine } from "../render.ts";
import { renderResult } from "../result.ts";
import { describeSuspects, remediesOf } from "../suspects.ts";
import { renderSecond, renderTime } from "../time.ts";
import type { BackupResult } from "./backup-run.ts";
import type { BackupPlan } from "./preview.ts";
import { renderStranger } from "./strangers.ts";

/** 1 where a tier failed, something is suspect or left out, or the backup is much smaller than before: a person must look. */
export function exitOf({ tiers, open, lost, collapse, leftOut }: BackupResult): ExitCode {
  const isBad = open > 0 || lost.length + leftOut.length > 0 || collapse !== null;
  return isBad || tiers.some(({ fault }) => fault !== null) ? EXIT.failed : EXIT.done;
}

/** A person reads no more; the JSON has all. */
const MOST_LOST = 20;

/** In at most 80 columns. */
export function renderBackup(result: BackupResult): string {
  const { kind, backup, snapshotAt, isWhole, leaves, objects, rows, bytes, tiers, lost } = result;
  const { collapse, leftOut, strangers } = result;
  const lines = [
    wrapLine(
      `${kind} backup ${backup} of ${renderSecond(snapshotAt)}${isWhole ? ", judged by content" : ""}: ${renderCount(leaves, "leaf", "leaves")} looked at, empty ones too; ${renderCount(objects, "new object")} with ${renderCount(rows, "row")}, ${renderBytes(bytes)} as stored`,
    ),
    "",
    renderTable(
      ["tier", "result", "RPO", "RTO"],
      tiers.map(({ tier, fault }) => {
        const { rpoMinutes, rtoMinutes } = TIER_PROMISES[tier];
        return [tier, fault === null ? "complete" : "FAILED", `${rpoMinutes} min`, `${rtoMinutes} min`];
      }),
    ),
    ...tiers.flatMap(({ fault }) => (fault === null ? [] : [wrapLine(fault)])),
    ...renderSuspects(result),
  ];
  if (lost.length > 0)
    lines.push(
      wrapLine(
        `${renderCount(lost.length, "part is", "parts are")} in no tier any more, and this backup leaves them out: something of each is suspect, so their live rows are not believed. Set the rows right, or take them as they are: backup --accept. Then run backup:`,
      ),
      ...lost.slice(0, MOST_LOST).map(({ leaf, coinId, interval }) => `  ${leaf} coin ${coinId} ${interval}`),
      ...(lost.length > MOST_LOST ? [`  and ${lost.length - MOST_LOST} more`] : []),
    );
  lines.push(...strangers.map((each) => wrapLine(renderStranger(each))));
  if (collapse !== null) lines.push(wrapLine(collapse));
  if (leftOut.length > 0)
    lines.push(
      wrapLine("no backup holds these; move them to where R3A looks, or back them up by yourself:"),
      ...leftOut.map((name) => wrapLine(`  ${name}`)),
    );
  return `${lines.join("\n")}\n`;
}

/** Where suspects are, and first how to look at them: to accept them is for good. */
function renderSuspects({ open, found, suspects }: BackupResult): readonly string[] {
  const [first] = suspects;
  if (first === undefined) return [];
  const { look, accept } = remediesOf(first);
  const more = first.groups - suspects.length;
  return [
    "",
    wrapLine(
      `${renderCount(open, "candle is", "candles are")} suspect (${renderNumber(found)} new): they changed or vanished, and nothing explains it. The version before is what restores:`,
    ),
    ...suspects.map((group) => wrapLine(`  ${describeSuspects(group)}`)),
    ...(more > 0 ? [`  and ${renderNumber(more)} more of these`] : []),
    "Look at them beside what restores:",
    `  ${look}`,
    "Copy back what is wrong (docs/recovery.md). Only if all are right as they are:",
    `  ${accept}`,
  ];
}

export function renderBackupJson({ snapshotAt, suspects, ...result }: BackupResult): string {
  return renderResult("backup", {
    ...result,
    snapshotAt: renderSecond(snapshotAt),
    suspects: suspects.map(({ leaf, symbol, interval, kind, count, from, last }) => ({
      ...{ leaf, symbol, interval, kind, count },
      from: from === null ? null : renderTime(from),
      last: last === null ? null : renderTime(last),
    })),
  });
}

export function renderPlan({ kind, tiers, leaves, open }: BackupPlan): string {
  const rows = leaves.map(({ leaf, written }) => [
    leaf,
    written === null ? "whole" : `${written} rows written`,
  ]);
  const lines = [
    `a ${kind} backup would go to ${tiers.map(({ tier, address }) => `${tier} (${address})`).join(", ")}`,
    `${leaves.length} leaves to look at, ${open} open suspects`,
    ...(rows.length === 0 ? [] : ["", renderTable(["leaf", "since the last backup"], rows)]),
  ];
  return `${lines.join("\n")}\n`;
}

export function renderPlanJson(plan: BackupPlan): string {
  return renderResult("backup", { dryRun: true, ...plan });
}
