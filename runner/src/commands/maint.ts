import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../contract/exits.ts";
import { closeDatabase, openDatabase } from "../db/connect.ts";
import { renderArguments } from "../db/runs.ts";
import { waitForSchema } from "../db/schema/schema.ts";
import { tellHeld } from "../maint/held.ts";
import type { Action, MaintPlan } from "../maint/maint-plan.ts";
import { type MaintLimits, type MaintResult, previewMaint, runMaint } from "../maint/maint-run.ts";
import { createProgress } from "../progress.ts";
import { renderNumber, renderTable } from "../render.ts";
import { withRun } from "../run.ts";
import { parseCount } from "../settings/parsers.ts";
import { SETTINGS } from "../settings/table.ts";
import { patienceMs } from "../sync/work.ts";
import { type Command, collectFaults, OPTION } from "./command.ts";

const LONGEST_BUDGET_S = 86_400;
const DEFAULT_BUDGET_S = 600;
/** Share of the deadline in which operations may begin; the last one has the rest. */
const BUDGET_SHARE = 2 / 3;
const DEFAULT_TRANSACTION_AGE_S = 300;
/** Rows that a person reads; --json has them all. */
const SHOWN = 50;

export const maint: Command = {
  name: "maint",
  examples: ["maint", "maint --dry-run", "maint --max-ops 20 --budget 300"],
  define: (command) =>
    command
      .option("--max-ops <n>", "at most so many operations (default: MAINT_MAX_OPS)")
      .option(
        "--budget <seconds>",
        "begin no operation after this time (default: 2/3 of the deadline, or 600)",
      )
      .option(
        "--transaction-age <seconds>",
        `begin no concurrent build while a transaction is older (default: ${DEFAULT_TRANSACTION_AGE_S})`,
      )
      .option(...OPTION.dryRun)
      .option(...OPTION.deadline)
      .option(...OPTION.json),
  async run(context, _args, options) {
    const faults = collectFaults();
    const maxOps = faults.take("--max-ops", options.maxOps, SETTINGS.maintMaxOps.parse);
    const budgetS = faults.take("--budget", options.budget, (text) => parseCount(text, LONGEST_BUDGET_S));
    const ageS = faults.take("--transaction-age", options.transactionAge, (text) =>
      parseCount(text, LONGEST_BUDGET_S),
    );
    const { dbUrl, maintMaxOps } = faults.settings(context, ["dbUrl", "maintMaxOps"]);
    const asJson = options.json === true;
    const progress = createProgress("maint", context.isTerminal, "operations");
    const db = openDatabase(dbUrl, `maint ${context.runId.slice(0, 13)}`);
    try {
      await waitForSchema(db, patienceMs(context.deadlineS), context.signal);
      if (options.dryRun === true) {
        const plan = await previewMaint(db, context.signal);
        context.print(`${asJson ? JSON.stringify(plan) : renderPlan(plan)}\n`);
        return EXIT.done;
      }
      const limits: MaintLimits = {
        maxOps: maxOps ?? maintMaxOps,
        until: endOf(context, budgetS),
        transactionAgeS: ageS ?? DEFAULT_TRANSACTION_AGE_S,
      };
      const args = renderArguments([], {
        "--max-ops": limits.maxOps,
        "--budget": budgetS ?? null,
        "--transaction-age": ageS ?? null,
      });
      return await withRun(context, db, "maint", args, async () => {
        const result = await runMaint(context, db, limits, progress);
        progress.stop();
        if (result === null) {
          await tellHeld(context, db, "maint", asJson);
          return EXIT.done;
        }
        context.print(`${asJson ? JSON.stringify(result) : renderResult(result)}\n`);
        return exitOf(result);
      });
    } finally {
      progress.stop();
      await closeDatabase(db);
    }
  },
};

/** By performance.now(), which counts from the start of the process, as the deadline does. */
function endOf({ deadlineS }: Context, budgetS: number | undefined): number {
  if (budgetS === undefined && deadlineS !== null) return deadlineS * 1000 * BUDGET_SHARE;
  return performance.now() + (budgetS ?? DEFAULT_BUDGET_S) * 1000;
}

function exitOf({ steps, refused }: MaintResult): ExitCode {
  return refused.length > 0 || steps.some(({ outcome }) => outcome === "failed") ? EXIT.failed : EXIT.done;
}

function renderPlan({ actions, refused, notes }: MaintPlan): string {
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

function renderResult({ steps, backlog, refused }: MaintResult): string {
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
