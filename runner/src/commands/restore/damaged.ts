import { lookOnly } from "../../backup/look-only.ts";
import type { Context } from "../../context.ts";
import { EXIT, type ExitCode } from "../../contract/exits.ts";
import type { Database } from "../../db/connect.ts";
import { findHolder } from "../../db/lock.ts";
import { renderArguments } from "../../db/runs.ts";
import { refuseWhileLoading } from "../../db/schema/restore-gate.ts";
import { withDatabase } from "../../db/with-database.ts";
import { exitOf, type MendRequest, reasonOf } from "../../restore/mend/mend-outcome.ts";
import { restoreDamaged } from "../../restore/mend/mend-run.ts";
import { renderMend, renderMendJson } from "../../restore/mend/mend-text.ts";
import type { Wired } from "../../restore/mend/wired.ts";
import { renderSkipped } from "../../result.ts";
import { type RunResult, withRun } from "../../run.ts";
import { runScrub } from "../../scrub/scrub-run.ts";
import { STORE_SETTINGS } from "../../settings/backup.ts";
import { parseLeafName } from "../../settings/restore-words.ts";
import { fillLeaf } from "../../sync/leaf-fill.ts";
import { WORK_SETTINGS, type WorkSettings } from "../../sync/work.ts";
import { runVerify } from "../../verify/verify-run.ts";
import { collectFaults, type Faults, parseReason, type RawOptions } from "../command.ts";
import { parseWish, refuseOthers, textOf, withStores } from "./stores.ts";

type DamagedForm = Omit<MendRequest, "stores" | "identity" | "budgetBytes">;

/** `restore --damaged`: the live table is mended, leaf by leaf. */
export async function runDamaged(context: Context, options: RawOptions): Promise<ExitCode> {
  const faults = collectFaults();
  const form = parseDamaged(faults, options);
  const needed = [...WORK_SETTINGS, ...STORE_SETTINGS, "dbSizeBudgetGb"] as const;
  // a plan reads manifests alone, which are not encrypted
  const settings = form.isPreview
    ? { ...faults.settings(context, needed), backupIdentity: "" }
    : faults.settings(context, [...needed, "backupIdentity"]);
  const budgetBytes = settings.dbSizeBudgetGb === null ? null : settings.dbSizeBudgetGb * 1e9;
  return withStores(context, { settings, tier: form.wish.tier }, (stores) =>
    withDatabase(context, { command: "restore", url: settings.dbUrl }, async (db) => {
      await refuseWhileLoading(db, { why: "what is not loaded yet is not damaged" });
      const request = { ...form, stores, identity: settings.backupIdentity, budgetBytes };
      const work = () => mend(context, db, { request, settings, asJson: options.json === true });
      if (form.isPreview) return (await work()).exitCode;
      const args = renderArguments([], {
        "--damaged": true,
        "--leaf": form.leaf,
        "--at": textOf(options.at),
        "--tier": form.wish.tier,
        "--accept-loss": form.acceptLoss,
        "--beyond-brakes": form.beyond,
      });
      return withRun({ context, db, command: "restore", args }, work);
    }),
  );
}

const OF_DAMAGED = [
  "damaged",
  "leaf",
  "at",
  "tier",
  "acceptLoss",
  "beyondBrakes",
  "dryRun",
  "deadline",
  "json",
];

function parseDamaged(faults: Faults, options: RawOptions): DamagedForm {
  refuseOthers(faults, "--damaged", options, OF_DAMAGED);
  return {
    leaf: faults.take("--leaf", options.leaf, parseLeafName) ?? null,
    acceptLoss: faults.take("--accept-loss", options.acceptLoss, parseReason) ?? null,
    beyond: faults.take("--beyond-brakes", options.beyondBrakes, parseReason) ?? null,
    wish: parseWish(faults, options),
    isPreview: options.dryRun === true,
  };
}

type Asked = { readonly request: MendRequest; readonly settings: WorkSettings; readonly asJson: boolean };

async function mend(
  context: Context,
  db: Database,
  { request, settings, asJson }: Asked,
): Promise<RunResult> {
  const outcome = await restoreDamaged(context, db, { request, wired: wire(context, db, settings) });
  if (outcome !== null) {
    context.print((asJson ? renderMendJson : renderMend)(outcome, request));
    return { exitCode: exitOf(outcome), reason: reasonOf(outcome) };
  }
  const holder = await findHolder(db, "restore", "damaged");
  const sentence = `another run mends the live table: ${holder ?? "it has just ended"}; nothing was done`;
  context.print(asJson ? renderSkipped("restore", sentence) : `${sentence}\n`);
  return { exitCode: EXIT.done };
}

/** What other nouns do with a leaf after its swap. What they print is none of this command's result. */
function wire(context: Context, db: Database, settings: WorkSettings): Wired {
  return {
    fill: (leaf, signal) => fillLeaf({ ...context, signal }, settings, leaf),
    async verify({ intervals, span }, signal) {
      const quiet = { ...context, signal, print: () => {} };
      const { exitCode, reason = "" } = await runVerify(quiet, db, {
        ...{ symbols: null, intervals, span, isNarrowed: true, asJson: false },
      });
      return { isOk: exitCode === EXIT.done, text: reason };
    },
    async scrub({ name }, signal) {
      const quiet = { ...context, signal, terminal: null };
      const scrubbed = await runScrub(quiet, db, { leaf: name, look: lookOnly });
      const [leaf] = scrubbed?.leaves ?? [];
      if (leaf === undefined)
        return { isOk: null, text: `another scrub is at work: run scrub --leaf ${name}` };
      const found = leaf.findings.map(({ detector, detail }) => `${detector}: ${detail}`);
      const text = [...found, ...(leaf.skipped === null ? [] : [leaf.skipped])].join("; ");
      return { isOk: found.length > 0 ? false : leaf.skipped === null ? true : null, text };
    },
  };
}
