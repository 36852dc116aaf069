import { TIER_PROMISES } from "../../contract/tiers.ts";
import { renderCount, wrapLine } from "../../render.ts";
import { renderResult } from "../../result.ts";
import { MINUTE_MS, renderDuration, renderSecond } from "../../time.ts";
import type { DrillOutcome } from "./drill-outcome.ts";
import type { DrillPlan } from "./preview-drill.ts";

const VERDICT = {
  passed: (tier: string) => `the drill of ${tier} PASSED: its newest backup restores, and all is equal`,
  failed: (tier: string) => `the drill of ${tier} FAILED: do not rely on its newest backup`,
  open: (tier: string) => `the drill of ${tier} is OPEN: nothing differs, and something was not compared`,
} as const;

/** The verdict, what it rests on, and everything that speaks against it. */
export function renderDrill(outcome: DrillOutcome): string {
  const { verdict, tier, faults, open, manifest } = outcome;
  const lines = [
    VERDICT[verdict](tier),
    ...(manifest === null ? [] : [manifest]),
    ...listTimes(outcome),
    ...listCompared(outcome),
    ...faults.map((fault) => `FAILED: ${fault}`),
    ...open.map((reason) => `not compared: ${reason}`),
  ];
  return `${lines.map(wrapLine).join("\n")}\n`;
}

function listTimes({ tier, snapshotAt, rpoMs, rtoMs, wholeMs }: DrillOutcome): readonly string[] {
  if (snapshotAt === null || rpoMs === null) return [];
  const { rpoMinutes, rtoMinutes } = TIER_PROMISES[tier];
  const isLate = (ms: number, minutes: number) => (ms > minutes * MINUTE_MS ? ", which it did not keep" : "");
  const promise = (ms: number, minutes: number) =>
    `${tier} promises ${renderDuration(minutes * MINUTE_MS)}${isLate(ms, minutes)}`;
  return [
    `RPO: the snapshot of ${renderSecond(snapshotAt)} was ${renderDuration(rpoMs)} old (${promise(rpoMs, rpoMinutes)})`,
    rtoMs === null
      ? "RTO: the hot set was never there"
      : `RTO: the hot set was there after ${renderDuration(rtoMs)} (${promise(rtoMs, rtoMinutes)})${wholeMs === null ? "" : `, all after ${renderDuration(wholeMs)}`}`,
  ];
}

function listCompared({ rtoMs, leaves, tables, rows, golden, damage }: DrillOutcome): readonly string[] {
  if (rtoMs === null && leaves === 0) return [];
  const counts = [
    `${renderCount(leaves, "leaf", "leaves")} with ${renderCount(rows, "row")}`,
    renderCount(tables, "table"),
    `${renderCount(golden, "candle")} with the exchange`,
  ];
  return [
    `compared: ${counts.join(", ")}`,
    ...(damage === null || damage.reason === null
      ? []
      : [`refused, as must be: ${damage.key}, of which the drill changed byte ${damage.byte}`]),
  ];
}

const timeOf = (ms: number | null) => (ms === null ? null : renderSecond(ms));

export function renderDrillJson({
  exitCode: _,
  snapshotAt,
  rpoMs,
  rtoMs,
  wholeMs,
  ...rest
}: DrillOutcome): string {
  return renderResult("drill", {
    ...rest,
    snapshotAt: timeOf(snapshotAt),
    ...{ rpoMs, rtoMs, wholeMs },
  });
}

export function renderDrillPlan(plan: DrillPlan): string {
  const { tier, manifest, snapshotAt, leaves, tables, rows, database, left } = plan;
  const lines = [
    `the newest backup of ${tier} would be restored and compared: ${manifest}`,
    `snapshot of ${renderSecond(snapshotAt)}, ${renderCount(leaves, "leaf", "leaves")} with ${renderCount(rows, "row")}, ${renderCount(tables, "table")}`,
    `into the database ${database}, which would be dropped afterwards`,
    ...(left.length === 0 ? [] : [`dropped before, where their drills are gone: ${left.join(", ")}`]),
  ];
  return `${lines.map(wrapLine).join("\n")}\n`;
}

export function renderDrillPlanJson({ snapshotAt, ...plan }: DrillPlan): string {
  return renderResult("drill", { dryRun: true, ...plan, snapshotAt: renderSecond(snapshotAt) });
}
