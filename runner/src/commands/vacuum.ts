import type { Context } from "../context.ts";
import { EXIT } from "../contract/exits.ts";
import { renderArguments } from "../db/runs.ts";
import { withDatabase } from "../db/with-database.ts";
import { tellHeld } from "../maint/held.ts";
import { previewVacuum, type Vacuumed, vacuumAlone } from "../maint/vacuum-tables.ts";
import {
  renderVacuumed,
  renderVacuumedJson,
  renderVacuumPlan,
  renderVacuumPlanJson,
} from "../maint/vacuum-text.ts";
import { type RunResult, withRun } from "../run.ts";
import { parseCount } from "../settings/parsers.ts";
import { type Command, collectFaults, OPTION } from "./command.ts";

const LONGEST_BUDGET_S = 86_400;
/** The budget where neither a deadline nor a budget is given: a person waits for the end. */
const DEFAULT_BUDGET_MS = 900_000;
/** Statements may use this share of the deadline; the rest is for the end of the last statement and for the ledger. */
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
    return withDatabase(context, { command: "vacuum", url: dbUrl }, async (db) => {
      if (options.dryRun === true) {
        const plan = await previewVacuum(db, analyzeOnly, context.signal);
        context.print(asJson ? renderVacuumPlanJson(plan) : `${renderVacuumPlan(plan)}\n`);
        return EXIT.done;
      }
      const args = renderArguments([], {
        "--analyze-only": analyzeOnly,
        "--vacuum": !analyzeOnly,
        "--budget": budgetS ?? null,
      });
      return withRun({ context, db, command: "vacuum", args }, async () => {
        const done = await vacuumAlone(context, db, { analyzeOnly, until: endOf(context, budgetS) });
        if (done === null) await tellHeld(context, db, { scope: "vacuum", asJson });
        else context.print(asJson ? renderVacuumedJson(done) : `${renderVacuumed(done)}\n`);
        return done === null ? { exitCode: EXIT.done } : resultOf(done);
      });
    });
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

function resultOf({ outcomes }: Vacuumed): RunResult {
  const failed = outcomes.filter(({ outcome }) => outcome === "failed");
  const reasons = failed.map(({ action, table, error }) => `${action} ${table}: ${error}`);
  return { exitCode: failed.length > 0 ? EXIT.failed : EXIT.done, reason: reasons.join("; ") };
}
