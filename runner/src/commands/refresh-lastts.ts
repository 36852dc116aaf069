import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../contract/exits.ts";
import { closeDatabase, openDatabase } from "../db/connect.ts";
import { renderArguments } from "../db/runs.ts";
import { waitForSchema } from "../db/schema/schema.ts";
import { tellHeld } from "../maint/held.ts";
import { type Refreshed, refreshLastTs } from "../maint/refresh-last-ts.ts";
import { kindOf } from "../maint/refresh-plan.ts";
import { renderNumber, renderTable } from "../render.ts";
import { withRun } from "../run.ts";
import { parseDuration } from "../settings/parsers.ts";
import { patienceMs } from "../sync/work.ts";
import { DAY_MS, renderTime } from "../time.ts";
import { type Command, collectFaults, OPTION } from "./command.ts";

/** Changes that a person reads; the JSON has them all. */
const SHOWN = 50;
/** A Date goes no further from 1970. */
const LATEST_DATE_MS = 8.64e15;
/** The mean year of the calendar. */
const YEAR_MS = 365.2425 * DAY_MS;

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
    const db = openDatabase(settings.dbUrl, `refresh-lastts ${context.runId.slice(0, 13)}`);
    const refresh = async (): Promise<ExitCode> => {
      const refreshed = await refreshLastTs(db, request, context.signal);
      if (refreshed === null) {
        await tellHeld(context, db, "refresh-lastts", asJson);
        return EXIT.done;
      }
      logRefresh(context, refreshed, isPreview);
      context.print(`${asJson ? toJson(refreshed) : renderRefresh(refreshed, isPreview)}\n`);
      return EXIT.done;
    };
    try {
      await waitForSchema(db, patienceMs(context.deadlineS), context.signal);
      return isPreview ? await refresh() : await withRun(context, db, "refresh-lastts", args, refresh);
    } finally {
      await closeDatabase(db);
    }
  },
};

function logRefresh({ log }: Context, refreshed: Refreshed, isPreview: boolean): void {
  if (refreshed.isLegacyThere)
    log.warn(
      { "event.name": "legacy_beside" },
      "[MAINT] r3a.ohlcv_legacy still holds candles: no last timestamp is lowered or removed until migrate-layout is done",
    );
  if (refreshed.changes.length > 0 && !isPreview)
    log.warn(
      { "event.name": "last_ts_corrected", changes: refreshed.changes.length, busy: refreshed.busy },
      `[MAINT] ${refreshed.changes.length} of ${refreshed.series} last timestamps did not match the stored candles and were corrected`,
    );
}

/** Somebody may have written what is no time of this language: the table takes up to the year 294276, and infinities. */
function renderValue(ms: number): string {
  if (!Number.isFinite(ms)) return ms > 0 ? "infinity" : "-infinity";
  return Math.abs(ms) <= LATEST_DATE_MS ? renderTime(ms) : `year ${1970 + Math.floor(ms / YEAR_MS)}`;
}

function toJson({ changes, ...rest }: Refreshed): string {
  const time = (ms: number | null) => (ms === null ? null : renderValue(ms));
  return JSON.stringify({
    ...rest,
    changes: changes.map((change) => ({
      ...change,
      kind: kindOf(change),
      from: time(change.from),
      to: time(change.to),
    })),
  });
}

function renderRefresh({ series, changes, busy }: Refreshed, isPreview: boolean): string {
  const left = busy === 0 ? "" : `; ${renderNumber(busy)} left to the syncs that are at them`;
  if (changes.length === 0) return `${renderNumber(series)} last timestamps match the stored candles${left}`;
  const table = renderTable(
    ["symbol", "interval", isPreview ? "would be" : "was", "from", "to"],
    changes
      .slice(0, SHOWN)
      .map((change) => [
        change.symbol,
        change.interval,
        kindOf(change),
        change.from === null ? "-" : renderValue(change.from),
        change.to === null ? "-" : renderValue(change.to),
      ]),
  );
  const more = changes.length > SHOWN ? `\n... and ${renderNumber(changes.length - SHOWN)} more` : "";
  const verb = isPreview ? "would be corrected" : "corrected";
  return `${table}${more}\n${renderNumber(changes.length)} of ${renderNumber(series)} ${verb}${left}`;
}
