import { isLeafName } from "../archive/leaf-record.ts";
import { lookOnly } from "../backup/look-only.ts";
import { EXIT } from "../contract/exits.ts";
import { renderArguments } from "../db/runs.ts";
import { refuseWhileLoading } from "../db/schema/restore-gate.ts";
import { withDatabase } from "../db/with-database.ts";
import { tellHeld } from "../maint/held.ts";
import { withRun } from "../run.ts";
import { previewScrub, runScrub } from "../scrub/scrub-run.ts";
import * as text from "../scrub/scrub-text.ts";
import { type Command, collectFaults, OPTION } from "./command.ts";

export const scrub: Command = {
  name: "scrub",
  examples: ["scrub", "scrub --leaf ohlcv_1m_2026_01", "scrub --dry-run"],
  define: (command) =>
    command
      .option("--leaf <name>", "only this leaf, e.g. ohlcv_1m_2026_01")
      .option(...OPTION.dryRun)
      .option(...OPTION.deadline)
      .option(...OPTION.json),
  async run(context, _args, options) {
    const faults = collectFaults();
    const leaf = faults.take("--leaf", options.leaf, parseLeaf) ?? null;
    const { dbUrl } = faults.settings(context, ["dbUrl"]);
    const asJson = options.json === true;
    return withDatabase(context, { command: "scrub", url: dbUrl }, async (db) => {
      await refuseWhileLoading(db, { why: "leaves that are not loaded yet would look as if they were lost" });
      if (options.dryRun === true) {
        const leaves = await previewScrub(db, context.signal, leaf);
        context.print((asJson ? text.renderScrubPlanJson : text.renderScrubPlan)(leaves));
        return EXIT.done;
      }
      const args = renderArguments([], { "--leaf": leaf });
      return withRun({ context, db, command: "scrub", args }, async () => {
        const scrubbed = await runScrub(context, db, { leaf, look: lookOnly });
        if (scrubbed === null) {
          await tellHeld(context, db, { scope: "scrub", asJson });
          return { exitCode: EXIT.done };
        }
        context.print((asJson ? text.renderScrubJson : text.renderScrub)(scrubbed));
        return text.resultOf(scrubbed);
      });
    });
  },
};

function parseLeaf(name: string): string {
  if (isLeafName(name)) return name;
  throw new Error(`must be a leaf, e.g. ohlcv_1m_2026_01, not ${JSON.stringify(name.slice(0, 80))}`);
}
