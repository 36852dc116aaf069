import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../contract/exits.ts";
import { closeDatabase, type Database, openDatabase } from "../db/connect.ts";
import { openLockSession } from "../db/lock.ts";
import { renderArguments } from "../db/runs.ts";
import { waitForSchema } from "../db/schema/schema.ts";
import { tellHeld } from "../maint/held.ts";
import type { VacuumPlan, VacuumStep } from "../maint/vacuum-plan.ts";
import { previewVacuum, type Vacuumed, vacuumTables } from "../maint/vacuum-tables.ts";
import { createProgress } from "../progress.ts";
import { renderNumber, renderTable } from "../render.ts";
import { withRun } from "../run.ts";
import { parseCount } from "../settings/parsers.ts";
import { patienceMs } from "../sync/work.ts";
import { type Command, collectFaults, OPTION } from "./command.ts";

const LONGEST_BUDGET_S = 86_400;
/** Without a deadline or a budget somebody waits. */
const DEFAULT_BUDGET_MS = 900_000;
/** Share of the deadline that statements may use: the rest is for the end of the last one and the ledger. */
const BUDGET_SHARE = 0.9;

export const vacuum: Command = {
  name: "vacuum",
  examples: ["vacuum", "vacuum --dry-run", "vacuum --vacuum --budget 600"],
  define: (command) =>
    command
      .option("--vacuum", "also VACUUM, and freeze what is sealed (VACUUM_ANALYZE_ONLY=false)")
      .option("--analyze-only", "ANALYZE and nothing else (VACUUM_ANALYZE_ONLY=true)")
      .option("--budget <seconds>", "start no statement after this time (default: 90 % of the deadline)")
      .option(...OPTION.dryRun)
      .option(...OPTION.deadline)
      .option(...OPTION.json),
  async run(context, _args, options) {
    const faults = collectFaults();
    const budgetS = faults.take("--budget", options.budget, (text) => parseCount(text, LONGEST_BUDGET_S));
    if (options.vacuum === true && options.analyzeOnly === true)
      faults.note("--vacuum and --analyze-only exclude each other");
    const { dbUrl, vacuumAnalyzeOnly } = faults.settings(context, ["dbUrl", "vacuumAnalyzeOnly"]);
    const analyzeOnly = options.analyzeOnly === true || (options.vacuum !== true && vacuumAnalyzeOnly);
    const asJson = options.json === true;
    const db = openDatabase(dbUrl, `vacuum ${context.runId.slice(0, 13)}`);
    try {
      await waitForSchema(db, patienceMs(context.deadlineS), context.signal);
      if (options.dryRun === true) {
        const plan = await previewVacuum(db, analyzeOnly, context.signal);
        context.print(`${asJson ? JSON.stringify(plan) : renderPlan(plan)}\n`);
        return EXIT.done;
      }
      const args = renderArguments([], {
        "--analyze-only": analyzeOnly,
        "--vacuum": !analyzeOnly,
        "--budget": budgetS ?? null,
      });
      return await withRun(context, db, "vacuum", args, async () => {
        const done = await vacuumAlone(context, db, { analyzeOnly, until: endOf(context, budgetS) });
        if (done === null) await tellHeld(context, db, "vacuum", asJson);
        else context.print(`${asJson ? toJson(done) : renderOutcomes(done)}\n`);
        return done === null ? EXIT.done : exitOf(done);
      });
    } finally {
      await closeDatabase(db);
    }
  },
};

/** When the last statement must have ended, by performance.now(), which counts from the start of the process. */
function endOf({ deadlineS }: Context, budgetS: number | undefined): number {
  const budgetMs = budgetS === undefined ? DEFAULT_BUDGET_MS : budgetS * 1000;
  const end = performance.now() + budgetMs;
  if (deadlineS === null) return end;
  const share = deadlineS * 1000 * BUDGET_SHARE;
  return budgetS === undefined ? share : Math.min(end, share);
}

/** Null where another holder is at work. */
async function vacuumAlone(
  context: Context,
  db: Database,
  request: Parameters<typeof vacuumTables>[1],
): Promise<Vacuumed | null> {
  const locks = await openLockSession(db, context.signal);
  const progress = createProgress("vacuum", context.isTerminal, "tables");
  try {
    if (!(await locks.tryLock("vacuum", "global"))) return null;
    return await vacuumTables(db, request, context.log, progress, locks.signal);
  } finally {
    progress.stop();
    await locks.end();
  }
}

function exitOf({ outcomes }: Vacuumed): ExitCode {
  return outcomes.some(({ outcome }) => outcome === "failed") ? EXIT.failed : EXIT.done;
}

function toJson({ plan, outcomes, left }: Vacuumed): string {
  return JSON.stringify({ steps: outcomes, left, busy: plan.busy, postponed: plan.postponed });
}

const shown = ({ table, action, debt, reason }: VacuumStep) => [table, action, debt.toFixed(1), reason];

function renderPlan(plan: VacuumPlan): string {
  const table = renderTable(["table", "action", "debt", "why"], plan.steps.map(shown));
  return `${plan.steps.length === 0 ? "nothing is due" : table}${renderRest(plan)}`;
}

function renderOutcomes({ plan, outcomes, left }: Vacuumed): string {
  const rows = outcomes.map((step) => [...shown(step), step.outcome, Math.round(step.ms)]);
  const table = renderTable(["table", "action", "debt", "why", "outcome", "ms"], rows);
  const rest = left === 0 ? "" : `\n${renderNumber(left)} left for the next run: the time budget ended`;
  return `${outcomes.length === 0 ? "nothing was due" : table}${rest}${renderRest(plan)}`;
}

/** What is due and was not touched, and why. */
function renderRest({ busy, postponed }: VacuumPlan): string {
  const lines = busy.map(({ table, action, busyWith }) => `${action} ${table} is left to ${busyWith}`);
  if (postponed.length > 0)
    lines.push(
      `waiting for a VACUUM: ${renderNumber(postponed.length)} (VACUUM_ANALYZE_ONLY is true; --vacuum does it)`,
    );
  return lines.map((line) => `\n${line}`).join("");
}
