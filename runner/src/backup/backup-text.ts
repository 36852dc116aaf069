import { EXIT, type ExitCode } from "../contract/exits.ts";
import { TIER_PROMISES } from "../contract/tiers.ts";
import { renderTable } from "../render.ts";
import { renderResult } from "../result.ts";
import { renderSecond } from "../time.ts";
import type { BackupResult } from "./backup-run.ts";
import type { BackupPlan } from "./preview.ts";
import { renderStranger } from "./strangers.ts";

/** 1 where a tier failed, something is suspect or left out, or the backup is much smaller than before: a person must look. */
export function exitOf({ tiers, open, lost, collapse, leftOut }: BackupResult): ExitCode {
  const isBad = open > 0 || lost.length + leftOut.length > 0 || collapse !== null;
  return isBad || tiers.some(({ fault }) => fault !== null) ? EXIT.failed : EXIT.done;
}

/** Decimal megabytes, as a person compares them with a disk. */
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

/** A person reads no more; the JSON has all. */
const MOST_LOST = 20;

export function renderBackup(result: BackupResult): string {
  const { kind, backup, snapshotAt, isWhole, leaves, objects, rows, bytes, tiers, found, open, lost } =
    result;
  const { collapse, leftOut, strangers } = result;
  const lines = [
    `${kind} backup ${backup} of ${renderSecond(snapshotAt)}${isWhole ? ", judged by content" : ""}: ${leaves} leaves looked at,`,
    `${objects} new objects with ${rows} rows, ${megabytes(bytes)} as stored`,
    "",
    renderTable(
      ["tier", "result", "RPO", "RTO"],
      tiers.map(({ tier, fault }) => {
        const { rpoMinutes, rtoMinutes } = TIER_PROMISES[tier];
        return [tier, fault === null ? "complete" : "FAILED", `${rpoMinutes} min`, `${rtoMinutes} min`];
      }),
    ),
    ...tiers.flatMap(({ fault }) => (fault === null ? [] : [fault])),
  ];
  if (open > 0)
    lines.push(
      `${open} candles are suspect (${found} new): they changed or vanished, and nothing explains it. The version before`,
      "is what restores. Look at r3a.backup_suspect; if they are right as they are: backup --accept",
    );
  if (lost.length > 0)
    lines.push(
      `${lost.length} parts are in no tier any more, and this backup leaves them out: something of each is suspect, so their`,
      "live rows are not believed. Set the rows right, or take them as they are: backup --accept. Then run backup:",
      ...lost.slice(0, MOST_LOST).map(({ leaf, coinId, interval }) => `${leaf} coin ${coinId} ${interval}`),
      ...(lost.length > MOST_LOST ? [`and ${lost.length - MOST_LOST} more`] : []),
    );
  lines.push(...strangers.map(renderStranger));
  if (collapse !== null) lines.push(collapse);
  if (leftOut.length > 0)
    lines.push(
      "no backup holds these; move them to where R3A looks, or back them up by yourself:",
      ...leftOut,
    );
  return `${lines.join("\n")}\n`;
}

export function renderBackupJson({ snapshotAt, ...result }: BackupResult): string {
  return renderResult("backup", { ...result, snapshotAt: renderSecond(snapshotAt) });
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
