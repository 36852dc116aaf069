import { renderNumber } from "../render.ts";
import { renderResult } from "../result.ts";
import type { MovedTotal } from "./items.ts";

/** What a run of the mover did. */
export type Summary = MovedTotal & {
  readonly leavesLeft: number;
  readonly leavesFailed: number;
  readonly isComplete: boolean;
  /** Renamed tables of the old system that are kept. */
  readonly kept: readonly string[];
};

/** What the run did, as sentences or as JSON. */
export function renderSummary(summary: Summary, asJson: boolean): string {
  if (asJson) return renderResult("migrate-layout", summary);
  const lines = [
    `${renderNumber(summary.leaves)} leaves moved with ${renderNumber(summary.rows)} candles: ${renderNumber(summary.added)} added, ${renderNumber(summary.same)} were there already`,
    ...(summary.differed + summary.rejected === 0
      ? []
      : [
          `${renderNumber(summary.differed)} that a sync had stored with other values and ${renderNumber(summary.rejected)} that must not be stored are kept in r3a.candle_revision (old_source = 'legacy')`,
        ]),
    ...(summary.repeated === 0
      ? []
      : [
          `${renderNumber(summary.repeated)} had the timestamp of another row of their leaf: of equal rows one is stored, of different rows the one with the largest volume; the others are kept in r3a.candle_revision`,
        ]),
    summary.isComplete
      ? "nothing of the old layout is left"
      : `${renderNumber(summary.leavesLeft)} leaves are left, ${renderNumber(summary.leavesFailed)} of them failed: run this again`,
    ...(summary.kept.length === 0
      ? []
      : [`kept; drop these tables when nobody reads them: ${summary.kept.join(", ")}`]),
  ];
  return `${lines.join("\n")}\n`;
}
