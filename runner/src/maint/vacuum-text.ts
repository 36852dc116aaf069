import { renderNumber, renderTable } from "../render.ts";
import type { VacuumPlan, VacuumStep } from "./vacuum-plan.ts";
import type { Vacuumed } from "./vacuum-tables.ts";

export function renderVacuumedJson({ plan, outcomes, left }: Vacuumed): string {
  return JSON.stringify({ steps: outcomes, left, busy: plan.busy, postponed: plan.postponed });
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
