import type { Context } from "../context.ts";
import { EXIT } from "../contract/exits.ts";
import { renderArguments } from "../db/runs.ts";
import { withDatabase } from "../db/with-database.ts";
import { tellHeld } from "../maint/held.ts";
import { type MaintLimits, type MaintResult, previewMaint, runMaint } from "../maint/maint-run.ts";
import {
  renderMaintPlan,
  renderMaintPlanJson,
  renderMaintResult,
  renderMaintResultJson,
} from "../maint/maint-text.ts";
import { type RunResult, withRun } from "../run.ts";
import { parseCount } from "../settings/parsers.ts";
import { SETTINGS } from "../settings/table.ts";
import { type Command, collectFaults, OPTION } from "./command.ts";

const LONGEST_BUDGET_S = 86_400;
const DEFAULT_BUDGET_S = 600;
/** Operations may begin within this share of the deadline; the rest is for the last operation. */
const BUDGET_SHARE = 2 / 3;
const DEFAULT_TRANSACTION_AGE_S = 300;

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
    return withDatabase(context, { command: "maint", url: dbUrl }, async (db) => {
      if (options.dryRun === true) {
        const plan = await previewMaint(db, context.signal);
        context.print(asJson ? renderMaintPlanJson(plan) : `${renderMaintPlan(plan)}\n`);
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
      return withRun({ context, db, command: "maint", args }, async () => {
        const result = await runMaint(context, db, limits);
        if (result === null) await tellHeld(context, db, { scope: "maint", asJson });
        else context.print(asJson ? renderMaintResultJson(result) : `${renderMaintResult(result)}\n`);
        return result === null ? { exitCode: EXIT.done } : resultOf(result);
      });
    });
  },
};

/**
 * When the last operation may begin, by performance.now(), which counts from the start of the process, as the deadline
 * does.
 */
function endOf({ deadlineS }: Context, budgetS: number | undefined): number {
  if (budgetS === undefined && deadlineS !== null) return deadlineS * 1000 * BUDGET_SHARE;
  return performance.now() + (budgetS ?? DEFAULT_BUDGET_S) * 1000;
}

function resultOf({ steps, refused }: MaintResult): RunResult {
  const failed = steps.filter(({ outcome }) => outcome === "failed");
  const reasons = [...refused, ...failed.map(({ op, object, error }) => `${op} ${object}: ${error}`)];
  return { exitCode: reasons.length > 0 ? EXIT.failed : EXIT.done, reason: reasons.join("; ") };
}
