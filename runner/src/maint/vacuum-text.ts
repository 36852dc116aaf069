import { renderNumber, renderTable } from "../render.ts";
import { renderResult, roundEstimate } from "../result.ts";
import type { VacuumPlan, VacuumStep } from "./vacuum-plan.ts";
import type { Vacuumed } from "./vacuum-tables.ts";

export function renderVacuumedJson({ plan, outcomes, left }: Vacuumed): string {
  const steps = outcomes.map(({ ms, ...step }) => ({ ...recordOf(step), durationMs: Math.round(ms) }));
  return renderResult("vacuum", { steps, left, ...waitingOf(plan) });
}

export function renderVacuumPlanJson(plan: VacuumPlan): string {
  return renderResult("vacuum", { dryRun: true, steps: plan.steps.map(recordOf), ...waitingOf(plan) });
}

function waitingOf({ busy, postponed }: VacuumPlan) {
  return { busy: busy.map(recordOf), postponed: postponed.map(recordOf) };
}

function recordOf<T extends VacuumStep>(step: T): T {
  return { ...step, debt: roundEstimate(step.debt) };
}

const shown = ({ table, action, debt, reason }: VacuumStep) => [table, action, debt.toFixed(1), reason];

export function renderVacuumPlan(plan: VacuumPlan): string {
  const table = renderTable(["table", "action", "debt", "why"], plan.steps.map(shown));
  return `${plan.steps.length === 0 ? "nothing is due" : table}${renderRest(plan)}`;
}

export function renderVacuumed({ plan, outcomes, left }: Vacuumed): string {
  const rows = outcomes.map((step) => [...shown(step), step.outcome, Math.round(step.ms)]);
  const table = renderTable(["table", "action", "debt", "why", "outcome", "ms"], rows);
  const rest = left === 0 ? "" : `\n${renderNumber(left)} left for the next run: the time budget ended`;
  return `${outcomes.length === 0 ? "nothing was due" : table}${rest}${renderRest(plan)}`;
}

/** What is due and was left out, with the reason. */
function renderRest({ busy, postponed }: VacuumPlan): string {
  const lines = busy.map(({ table, action, busyWith }) => `${action} ${table} is left to ${busyWith}`);
  if (postponed.length > 0)
    lines.push(
      `waiting for a VACUUM: ${renderNumber(postponed.length)} (VACUUM_ANALYZE_ONLY is true; --vacuum does it)`,
    );
  return lines.map((line) => `\n${line}`).join("");
}
