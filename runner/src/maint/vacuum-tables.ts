import type { Context } from "../context.ts";
import type { Database } from "../db/connect.ts";
import { openLockSession } from "../db/lock.ts";
import { limitLockWaits, readTables, runStep, type StepEnd } from "../db/maint/vacuum.ts";
import { type OwnClient, own } from "../db/session.ts";
import { messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";
import { createProgress, type Progress } from "../progress.ts";
import { planVacuum, type VacuumPlan, type VacuumStep } from "./vacuum-plan.ts";

/** `ms` of the statement; `error` is null unless the step failed or was cut, or no later run can do it either. */
export type StepOutcome = VacuumStep & {
  readonly outcome: StepEnd["outcome"];
  readonly ms: number;
  readonly error: string | null;
};

export type Vacuumed = {
  readonly plan: VacuumPlan;
  readonly outcomes: readonly StepOutcome[];
  /** Steps that the budget did not reach. */
  readonly left: number;
};

/** With less time than this no step begins. */
const SHORTEST_STEP_MS = 500;
/**
 * A step gets at most this share of the rest of the budget: one table that is too large must not take the time of all
 * others, run after run.
 */
const LARGEST_STEP_SHARE = 0.75;
/**
 * A step that was cut although it had more than this share of the budget would be cut in the next run too, so it counts
 * as failed.
 */
const MOST_OF_BUDGET = 0.5;

/** Reads what every table needs; changes nothing. */
export async function previewVacuum(
  db: Database,
  analyzeOnly: boolean,
  signal: AbortSignal,
): Promise<VacuumPlan> {
  return own(db, signal, async (client) => (await readPlan(client, analyzeOnly)).plan);
}

async function readPlan(client: OwnClient, analyzeOnly: boolean) {
  await limitLockWaits(client);
  const { tables, canAnalyzeAlone } = await readTables(client);
  return { plan: planVacuum(tables, { now: Date.now(), analyzeOnly, canAnalyzeAlone }), canAnalyzeAlone };
}

export type VacuumOrder = {
  readonly analyzeOnly: boolean;
  /** By performance.now(). */
  readonly until: number;
};

type VacuumTools = { readonly log: Logger; readonly progress: Progress; readonly signal: AbortSignal };

/** `vacuumTables` under the lock ('vacuum', 'global'), with its progress shown; null where another holder is at work. */
export async function vacuumAlone(
  { log, signal, terminal }: Context,
  db: Database,
  request: VacuumOrder,
): Promise<Vacuumed | null> {
  const locks = await openLockSession(db, signal);
  const progress = createProgress("vacuum", terminal, "tables");
  try {
    if (!(await locks.tryLock("vacuum", "global"))) return null;
    return await vacuumTables(db, request, { log, progress, signal: locks.signal });
  } finally {
    progress.stop();
    await locks.end();
  }
}

/**
 * Does the steps of the plan, the biggest debt first, one statement after the other, until `until` (by
 * performance.now()). Each step has an outcome and a line in the log. The caller holds the lock.
 */
export async function vacuumTables(
  db: Database,
  request: VacuumOrder,
  { log, progress, signal }: VacuumTools,
): Promise<Vacuumed> {
  const budgetMs = request.until - performance.now();
  return own(db, signal, async (client) => {
    const { plan, canAnalyzeAlone } = await readPlan(client, request.analyzeOnly);
    for (const { table, action, busyWith } of plan.busy)
      log.info({ "event.name": "table_busy", table, action }, `[MAINT] ${table} is left to ${busyWith}`);
    const outcomes: StepOutcome[] = [];
    progress.start(plan.steps.length);
    for (const step of plan.steps) {
      const startedAt = performance.now();
      const leftMs = request.until - startedAt;
      if (leftMs < SHORTEST_STEP_MS) break;
      const timeoutMs = leftMs * LARGEST_STEP_SHARE;
      const { outcome, error } = await runStep(client, step, { timeoutMs, canAnalyzeAlone });
      const hadMost = outcomes.length === 0 || timeoutMs > budgetMs * MOST_OF_BUDGET;
      const ended: StepOutcome = {
        ...step,
        outcome: outcome === "cut" && hadMost ? "failed" : outcome,
        ms: performance.now() - startedAt,
        error: outcome === "cut" ? OUT_OF_TIME : error === null ? null : messageOf(error),
      };
      outcomes.push(ended);
      progress.advance(1);
      logOutcome(log, ended);
    }
    return { plan, outcomes, left: plan.steps.length - outcomes.length };
  });
}

const OUT_OF_TIME = "the time budget ended in the middle; give it more (--budget, --deadline)";

function logOutcome(log: Logger, { table, action, outcome, ms, debt, reason, error }: StepOutcome): void {
  const why = {
    done: reason,
    skipped: error ?? "somebody else locks it",
    incomplete: "a transaction older than its rows keeps some from being frozen; the next run tries again",
    cut: OUT_OF_TIME,
    failed: error,
  }[outcome];
  log[outcome === "done" || (outcome === "skipped" && error === null) ? "info" : "warn"](
    {
      "event.name": "vacuum_step",
      "event.outcome": outcome,
      "event.duration": Math.round(ms * 1e6),
      table,
      action,
      debt: Math.round(debt * 100) / 100,
    },
    `[MAINT] ${action} ${table}: ${outcome} in ${Math.round(ms)} ms (${why})`,
  );
}
