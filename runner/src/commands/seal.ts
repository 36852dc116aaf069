import { constants, setPriority } from "node:os";
import { readLeafName } from "../archive/leaf-record.ts";
import { openLeafBackups } from "../backup/leaf-run.ts";
import type { Context } from "../context.ts";
import { EXIT } from "../contract/exits.ts";
import { TIERS } from "../contract/tiers.ts";
import type { Database } from "../db/connect.ts";
import { findHolder } from "../db/lock.ts";
import { renderArguments } from "../db/runs.ts";
import { refuseWhileLoading } from "../db/schema/restore-gate.ts";
import { withDatabase } from "../db/with-database.ts";
import { SettingsFault } from "../errors.ts";
import { renderSkipped } from "../result.ts";
import { type RunResult, withRun } from "../run.ts";
import { previewSeal, runSeal, type SealRequest } from "../seal/seal-run.ts";
import {
  renderSeal,
  renderSealJson,
  renderSealPlan,
  renderSealPlanJson,
  resultOf,
} from "../seal/seal-text.ts";
import { LEAST_TIERS } from "../seal/seal-work.ts";
import { STORE_SETTINGS } from "../settings/backup.ts";
import { openStores } from "../store/open-store.ts";
import { type Command, collectFaults, OPTION } from "./command.ts";

const GIGABYTE = 1e9;

export const seal: Command = {
  name: "seal",
  examples: ["seal", "seal --dry-run", "seal --leaf ohlcv_1m_2026_01"],
  define: (command) =>
    command
      .option("--leaf <name>", "this leaf alone, e.g. ohlcv_1m_2026_01 (default: each one that is over)")
      .option(...OPTION.dryRun)
      .option(...OPTION.deadline)
      .option(...OPTION.json),
  async run(context, _args, options) {
    const faults = collectFaults();
    const leaf = faults.take("--leaf", options.leaf, parseLeaf) ?? null;
    const asJson = options.json === true;
    const refusal = { why: "what is loaded so far is not all that there is" };
    if (options.dryRun === true) {
      const { dbUrl } = faults.settings(context, ["dbUrl"]);
      return withDatabase(context, { command: "seal", url: dbUrl }, async (db) => {
        await refuseWhileLoading(db, refusal);
        const plan = await previewSeal(db, { leaf, signal: context.signal });
        context.print(asJson ? renderSealPlanJson(plan) : renderSealPlan(plan));
        return EXIT.done;
      });
    }
    const needed = [
      ...["dbUrl", "backupRecipients", "backupSpool", "dbSizeBudgetGb"],
      ...STORE_SETTINGS,
    ] as const;
    const settings = faults.settings(context, needed);
    const stores = await openStores(settings, (text) =>
      context.log.warn({ "event.name": "store_stranger" }, `[SEAL] ${text}`),
    );
    try {
      if (stores.length < LEAST_TIERS)
        throw new SettingsFault([
          `a sealed leaf lies in ${LEAST_TIERS} tiers, and ${stores.length} ${stores.length === 1 ? "is" : "are"} set: set two of ${TIERS.map((tier) => `BACKUP_${tier.toUpperCase()}`).join(", ")}`,
        ]);
      // a seal is in no hurry, and syncs are: on two cores a minute job beside it took 1.76 times its time, and 1.45 so
      setPriority(constants.priority.PRIORITY_LOW);
      return await withDatabase(context, { command: "seal", url: settings.dbUrl }, async (db) => {
        await refuseWhileLoading(db, refusal);
        const { backupRecipients: recipients, backupSpool: spool, dbSizeBudgetGb: budget } = settings;
        const request: SealRequest = {
          leaf,
          budgetBytes: budget === null ? null : budget * GIGABYTE,
          openBackups: (locks) =>
            openLeafBackups({ context, db, locks, request: { stores, recipients, spool } }),
        };
        const args = renderArguments([], { "--leaf": leaf });
        return withRun({ context, db, command: "seal", args }, () => run(context, db, { request, asJson }));
      });
    } finally {
      await Promise.all(stores.map((store) => store.close()));
    }
  },
};

async function run(
  context: Context,
  db: Database,
  { request, asJson }: { readonly request: SealRequest; readonly asJson: boolean },
): Promise<RunResult> {
  const result = await runSeal(context, db, request);
  if (result !== null) {
    context.print(asJson ? renderSealJson(result) : renderSeal(result));
    return resultOf(result);
  }
  const holder = await findHolder(db, "seal", "global");
  const sentence = `another seal is at work: ${holder ?? "it has just ended"}; nothing was done`;
  context.print(asJson ? renderSkipped("seal", sentence) : `${sentence}\n`);
  return { exitCode: EXIT.done };
}

function parseLeaf(text: string): string {
  try {
    return readLeafName(text, "");
  } catch {
    // the fault of the form itself is a regular expression, which says nothing to a person
    throw new Error(`must be a leaf, e.g. ohlcv_1m_2026_01, not ${JSON.stringify(text.slice(0, 80))}`);
  }
}
