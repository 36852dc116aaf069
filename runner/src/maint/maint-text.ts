import { renderNumber, renderTable } from "../render.ts";
import { renderResult } from "../result.ts";
import { renderTime } from "../time.ts";
import type { Action, MaintPlan } from "./maint-plan.ts";
import type { MaintResult } from "./maint-run.ts";

/** Rows that a person reads; --json has them all. */
const SHOWN = 50;

export function renderMaintPlan({ actions, refused, notes }: MaintPlan): string {
  const rows = actions
    .slice(0, SHOWN)
    .map((action) => [action.op, action.object, action.attempts, describe(action)]);
  const more =
    actions.length > SHOWN ? [`... and ${renderNumber(actions.length - SHOWN)} more; --json prints all`] : [];
  const table =
    actions.length === 0 ? [] : [renderTable(["operation", "object", "failed before", "statement"], rows)];
  return [...table, ...more, ...refused, ...notes, `${renderNumber(actions.length)} operations to do`].join(
    "\n",
  );
}

function describe(action: Action): string {
  if (action.kind === "leaf") return `create or attach, below r3a.${action.leaf.parent}`;
  if (action.kind === "ledger") return "-";
  return action.kind === "index" && action.builder !== null
    ? `(waits for pid ${action.builder})`
    : action.sql;
}

export function renderMaintPlanJson({ actions, ...rest }: MaintPlan): string {
  return renderResult("maint", { dryRun: true, actions: actions.map(recordOf), ...rest });
}

/** A leaf has the times that it holds in place of a statement: `from`, and `to`, which is not included. */
function recordOf(action: Action): object {
  if (action.kind !== "leaf") return action;
  const { leaf, ...rest } = action;
  return { ...rest, parent: leaf.parent, from: renderTime(leaf.span.from), to: renderTime(leaf.span.to) };
}

export function renderMaintResultJson({ steps, ...rest }: MaintResult): string {
  const records = steps.map(({ ms, ...step }) => ({ ...step, durationMs: Math.round(ms) }));
  return renderResult("maint", { steps: records, ...rest });
}

export function renderMaintResult({ steps, backlog, refused }: MaintResult): string {
  const count = (outcome: string) => renderNumber(steps.filter((step) => step.outcome === outcome).length);
  const wrong = steps.filter(({ outcome }) => outcome !== "done").slice(0, SHOWN);
  const rows = wrong.map(({ op, object, outcome, error }) => [
    op,
    object,
    outcome,
    (error ?? "").slice(0, 160),
  ]);
  const table = wrong.length === 0 ? [] : [renderTable(["operation", "object", "outcome", "why"], rows)];
  const summary = `${count("done")} operations done, ${count("failed")} failed, ${count("blocked")} blocked; backlog ${renderNumber(backlog)}`;
  return [...table, ...refused, summary].join("\n");
}
