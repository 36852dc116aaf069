import type { Context } from "../context.ts";
import { type Database, withClient } from "../db/connect.ts";
import { listBlockers, renderSessions } from "../db/connection/sessions.ts";
import { isRefusal } from "../db/fault.ts";
import { readCatalog } from "../db/maint/catalog.ts";
import { beginOp, describeFault, endOp, type OpOutcome, sqlstateOf } from "../db/maint/ops.ts";
import { withMaintSession } from "../db/maint/session.ts";
import { own } from "../db/session.ts";
import { TryAgain } from "../errors.ts";
import { createProgress } from "../progress.ts";
import { type Action, actionKey, type MaintPlan, planMaint } from "./maint-plan.ts";
import { Blocked, performAction, type StepTools } from "./maint-step.ts";

export type MaintLimits = {
  readonly maxOps: number;
  /** No operation begins after this time, by performance.now(). */
  readonly until: number;
  readonly transactionAgeS: number;
};

export type MaintStep = {
  readonly op: string;
  readonly object: string;
  readonly outcome: OpOutcome;
  readonly ms: number;
  readonly error: string | null;
};

export type MaintResult = {
  readonly steps: readonly MaintStep[];
  /** Actions that are still to be done: those not begun, failed and blocked. */
  readonly backlog: number;
  readonly refused: readonly string[];
};

/** An operation that takes longer than this logs whom it waits for, again and again. */
const WATCH_MS = 10_000;

/** The plan as it is now; changes nothing and needs no lock. */
export async function previewMaint(db: Database, signal: AbortSignal): Promise<MaintPlan> {
  return own(db, signal, async (client) => planMaint(await readCatalog(client), Date.now()));
}

/**
 * Plans, does what the limits allow, and plans again until everything that is left was tried in this run: after a build
 * comes its attach, after the last attach its parent. Null where another holder is at work.
 */
export async function runMaint(
  context: Context,
  db: Database,
  limits: MaintLimits,
): Promise<MaintResult | null> {
  const { signal, log } = context;
  const progress = createProgress("maint", context.terminal, "operations");
  const done = withMaintSession(db, signal, async (session) => {
    const steps: MaintStep[] = [];
    const tried = new Set<string>();
    const stuck = new Set<string>();
    const tools: StepTools = {
      db,
      session,
      signal,
      until: limits.until,
      transactionAgeS: limits.transactionAgeS,
    };
    const mayBegin = () => performance.now() < limits.until && steps.filter(isCounted).length < limits.maxOps;
    for (;;) {
      const plan = planMaint(await readCatalog(session.client), Date.now());
      const next = plan.actions.filter(
        (action) => !tried.has(actionKey(action)) && !stuck.has(action.object),
      );
      progress.start(tried.size + Math.min(next.length, limits.maxOps));
      if (next.length === 0 || !mayBegin()) {
        for (const fault of plan.refused) log.error({ "event.name": "maint_refused" }, `[MAINT] ${fault}`);
        for (const note of plan.notes) log.warn({ "event.name": "maint_note" }, `[MAINT] ${note}`);
        return { steps, backlog: plan.actions.length, refused: plan.refused };
      }
      for (const action of next) {
        if (!mayBegin()) break;
        if (stuck.has(action.object)) continue;
        tried.add(actionKey(action));
        const step = await recordStep(context, tools, action);
        progress.advance(1);
        if (step === null) continue;
        steps.push(step);
        if (step.outcome !== "done") stuck.add(action.object);
        // the builds below the parent can be attached once its index exists: the plan has changed
        if (action.op === "create-parent") break;
      }
    }
  });
  return done.finally(progress.stop);
}

/** A step that waits for others costs nothing, and must not use up the number of operations. */
function isCounted({ outcome }: MaintStep): boolean {
  return outcome !== "blocked";
}

/** One action with its row in the ledger and its line in the log; null when it was not needed any more. */
async function recordStep(context: Context, tools: StepTools, action: Action): Promise<MaintStep | null> {
  const { client } = tools.session;
  const { op, object } = action;
  const id = await beginOp(client, { runId: context.runId, op, object, attempt: action.attempts + 1 });
  const startedAt = performance.now();
  const watch = setInterval(() => reportBlockers(context, tools, action), WATCH_MS);
  let end: { outcome: OpOutcome; sqlstate: string | null; error: string | null } = {
    outcome: "done",
    sqlstate: null,
    error: null,
  };
  let needed = true;
  try {
    needed = await performAction(tools, action);
  } catch (error) {
    context.signal.throwIfAborted(); // the row stays "running": the operation began and did not finish
    if (error instanceof TryAgain && !isRefusal(error)) throw error;
    const outcome = error instanceof Blocked ? "blocked" : "failed";
    // cut after the secrets are removed: half a secret would not be recognised
    const text = context.redact(describeFault(error)).slice(0, 500);
    end = { outcome, sqlstate: sqlstateOf(error), error: text };
  } finally {
    clearInterval(watch);
  }
  const ms = performance.now() - startedAt;
  await endOp(client, id, { ...end, ms });
  const fields = {
    "event.name": "maint_op",
    op,
    object,
    outcome: end.outcome,
    sqlstate: end.sqlstate,
    attempt: action.attempts + 1,
    ms: Math.round(ms),
  };
  const level = { done: "info", blocked: "warn", failed: "error" } as const;
  context.log[level[end.outcome]](
    fields,
    `[MAINT] ${op} ${object}: ${needed ? end.outcome : "not needed any more"}${end.error === null ? "" : `: ${end.error}`}`,
  );
  return needed ? { op, object, outcome: end.outcome, ms, error: end.error } : null;
}

function reportBlockers({ log }: Context, { db, session }: StepTools, { op, object }: Action): void {
  withClient(db, (client) => listBlockers(client, session.pid)).then(
    (blockers) => {
      if (blockers.length === 0) return;
      log.warn(
        { "event.name": "maint_waits", op, object },
        `[MAINT] ${op} ${object} waits for ${renderSessions(blockers)}`,
      );
    },
    () => {}, // this is only a hint for people; the operation has an error of its own
  );
}
