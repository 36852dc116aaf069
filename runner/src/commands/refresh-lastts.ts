import type { Context } from "../context.ts";
import { EXIT } from "../contract/exits.ts";
import { renderArguments } from "../db/runs.ts";
import { withDatabase } from "../db/with-database.ts";
import { tellHeld } from "../maint/held.ts";
import { type Refreshed, refreshLastTs } from "../maint/refresh-last-ts.ts";
import { renderRefresh, renderRefreshJson } from "../maint/refresh-text.ts";
import { type RunResult, withRun } from "../run.ts";
import { parseDuration } from "../settings/parsers.ts";
import { type Command, collectFaults, OPTION } from "./command.ts";

export const refreshLastts: Command = {
  name: "refresh-lastts",
  examples: ["refresh-lastts", "refresh-lastts --dry-run", 'refresh-lastts --lookback "1 day"'],
  define: (command) =>
    command
      .option("--lookback <time>", 'how far back every series is read, e.g. "3 days" (REFRESH_LOOKBACK)')
      .option(...OPTION.dryRun)
      .option(...OPTION.deadline)
      .option(...OPTION.json),
  async run(context, _args, options) {
    const faults = collectFaults();
    const lookbackMs = faults.take("--lookback", options.lookback, parseDuration);
    const settings = faults.settings(context, ["dbUrl", "refreshLookbackMs"]);
    const [isPreview, asJson] = [options.dryRun === true, options.json === true];
    const request = { now: Date.now(), lookbackMs: lookbackMs ?? settings.refreshLookbackMs, isPreview };
    const args = renderArguments([], { "--lookback": options.lookback ?? null });
    return withDatabase(context, { command: "refresh-lastts", url: settings.dbUrl }, async (db) => {
      const refresh = async (): Promise<RunResult> => {
        const refreshed = await refreshLastTs(db, request, context.signal);
        if (refreshed === null) await tellHeld(context, db, { scope: "refresh-lastts", asJson });
        else {
          logRefresh(context, refreshed, isPreview);
          context.print((asJson ? renderRefreshJson : renderRefresh)(refreshed, isPreview));
        }
        return { exitCode: EXIT.done };
      };
      if (isPreview) return (await refresh()).exitCode;
      return withRun({ context, db, command: "refresh-lastts", args }, refresh);
    });
  },
};

function logRefresh({ log }: Context, refreshed: Refreshed, isPreview: boolean): void {
  if (refreshed.isLegacyThere)
    log.warn(
      { "event.name": "legacy_beside" },
      "[MAINT] r3a.ohlcv_legacy still holds candles: no last timestamp is lowered or removed until migrate-layout is done",
    );
  if (refreshed.isRestoring)
    log.warn(
      { "event.name": "restore_beside" },
      "[MAINT] a restore has not loaded all leaves yet: no last timestamp is lowered or removed until it is done",
    );
  if (refreshed.changes.length > 0 && !isPreview)
    log.warn(
      { "event.name": "last_ts_corrected", changes: refreshed.changes.length, busy: refreshed.busy },
      `[MAINT] ${refreshed.changes.length} of ${refreshed.series} last timestamps did not match the stored candles and were corrected`,
    );
}
