import type { JanitorMode } from "../contract/janitor.ts";
import { renderTable } from "../render.ts";
import { renderResult } from "../result.ts";
import { renderTime } from "../time.ts";
import type { SeenObjects } from "./objects.ts";
import { type Decision, isAction } from "./plan.ts";

/** A plan as it is printed; a scan and a delete print the same. */
export type Plan = {
  readonly namespace: string;
  readonly seen: SeenObjects;
  readonly decisions: readonly Decision[];
  readonly brake: string | null;
};

export function renderPlan(plan: Plan): string {
  const { decisions, brake } = plan;
  const rows = decisions.map((decision) => [
    decision.action,
    `${decision.kind}/${decision.name}`,
    decision.container === null ? decision.reason : `${decision.reason} (${decision.container})`,
    decision.since === null ? "-" : renderTime(decision.since),
    decision.keptBecause ?? decision.evidence,
  ]);
  const table =
    rows.length === 0 ? "" : `${renderTable(["action", "object", "reason", "since", "why"], rows)}\n`;
  const { looked, remove, keep } = countsOf(plan);
  const summary = `${looked.pods} pods, ${looked.jobs} Jobs and ${looked.cronJobs} CronJobs in ${plan.namespace}: ${remove} to remove, ${keep} kept`;
  return `${table}${summary}\n${brake === null ? "" : `BRAKE: ${brake}; nothing may be removed\n`}`;
}

/** The counts, and each decision with its reason. A scan is a dry run. */
export function renderPlanJson(plan: Plan, mode: JanitorMode): string {
  const decisions = plan.decisions.map(({ action, kind, name, reason, container, since, ...rest }) => ({
    ...{ action, kind, name, reason, container },
    since: since === null ? null : renderTime(since),
    ...{ evidence: rest.evidence, keptBecause: rest.keptBecause, owners: rest.owners },
    ...{ uid: rest.uid, pods: rest.pods.length },
  }));
  const { namespace, brake } = plan;
  const dryRun = mode === "scan" && { dryRun: true };
  return renderResult("janitor", { ...dryRun, namespace, ...countsOf(plan), brake, decisions });
}

function countsOf({ seen, decisions }: Plan) {
  const remove = decisions.filter(isAction).length;
  return {
    looked: { pods: seen.pods.length, jobs: seen.jobs.length, cronJobs: seen.cronJobs.length },
    remove,
    keep: decisions.length - remove,
  };
}
