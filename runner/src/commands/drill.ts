import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../contract/exits.ts";
import { TIERS } from "../contract/tiers.ts";
import type { Database } from "../db/connect.ts";
import { findHolder } from "../db/lock.ts";
import { renderArguments } from "../db/runs.ts";
import { withDatabase } from "../db/with-database.ts";
import { chooseStore } from "../restore/drill/choose-store.ts";
import { runDrill } from "../restore/drill/drill-run.ts";
import {
  renderDrill,
  renderDrillJson,
  renderDrillPlan,
  renderDrillPlanJson,
} from "../restore/drill/drill-text.ts";
import { previewDrill } from "../restore/drill/preview-drill.ts";
import type { DrillRequest } from "../restore/drill/prove.ts";
import { restoreWhole } from "../restore/whole/whole-run.ts";
import { renderSkipped } from "../result.ts";
import { type RunResult, withRun } from "../run.ts";
import { STORE_SETTINGS } from "../settings/backup.ts";
import { oneOf } from "../settings/parsers.ts";
import { openStores } from "../store/open-store.ts";
import { type Command, collectFaults, OPTION } from "./command.ts";

export const drill: Command = {
  name: "drill",
  examples: ["drill", "drill --tier cold", "drill --dry-run"],
  define: (command) =>
    command
      .option("--tier <name>", "hot, warm or cold (default: the tier whose last drill is the oldest)")
      .option(
        "--accept-same-server",
        "DRILL_DB_URL may lead to the server of DB_URL; its disk and time are taken",
      )
      .option(...OPTION.dryRun)
      .option(...OPTION.deadline)
      .option(...OPTION.json),
  async run(context, _args, options) {
    const faults = collectFaults();
    const tier = faults.take("--tier", options.tier, oneOf(TIERS)) ?? null;
    const isPreview = options.dryRun === true;
    const needed = [
      "dbUrl",
      "drillDbUrl",
      "exchangeUrl",
      "weightLimit",
      "egressKey",
      ...STORE_SETTINGS,
    ] as const;
    // a plan reads manifests alone, which are not encrypted
    const settings = isPreview
      ? { ...faults.settings(context, needed), backupIdentity: "" }
      : faults.settings(context, [...needed, "backupIdentity"]);
    const stores = await openStores(settings, (text) =>
      context.log.warn({ "event.name": "store_stranger" }, `[DRILL] ${text}`),
    );
    try {
      return await withDatabase(context, { command: "drill", url: settings.dbUrl }, async (db) => {
        const request: DrillRequest = {
          store: await chooseStore(db, stores, tier),
          identity: settings.backupIdentity,
          drillDbUrl: settings.drillDbUrl,
          isSameAccepted: options.acceptSameServer === true,
          settings,
          restore: restoreWhole,
        };
        const asJson = options.json === true;
        if (isPreview) return preview(context, db, { request, asJson });
        const args = renderArguments([], {
          "--tier": request.store.tier,
          "--accept-same-server": request.isSameAccepted,
        });
        return withRun({ context, db, command: "drill", args }, () => run(context, db, { request, asJson }));
      });
    } finally {
      await Promise.all(stores.map((store) => store.close()));
    }
  },
};

type Asked = { readonly request: DrillRequest; readonly asJson: boolean };

async function preview(context: Context, db: Database, { request, asJson }: Asked): Promise<ExitCode> {
  const found = await previewDrill(context, db, request);
  if ("failed" in found) {
    context.print((asJson ? renderDrillJson : renderDrill)(found.failed));
    return found.failed.exitCode;
  }
  context.print((asJson ? renderDrillPlanJson : renderDrillPlan)(found.plan));
  return EXIT.done;
}

async function run(context: Context, db: Database, { request, asJson }: Asked): Promise<RunResult> {
  const outcome = await runDrill(context, db, request);
  if (outcome !== null) {
    context.print((asJson ? renderDrillJson : renderDrill)(outcome));
    const reason = [...outcome.faults, ...outcome.open].join("; ");
    return { exitCode: outcome.exitCode, hasFindings: true, reason };
  }
  const holder = await findHolder(db, "drill", "global");
  const sentence = `another drill is at work: ${holder ?? "it has just ended"}; nothing was done`;
  context.print(asJson ? renderSkipped("drill", sentence) : `${sentence}\n`);
  return { exitCode: EXIT.done };
}
