import type { Database } from "../db/connect.ts";
import { countOpenGaps, type GapCountRow, listLastRuns, type RunRow } from "../db/doctor/stored.ts";
import { renderNumber } from "../render.ts";
import { HOUR_MS, MINUTE_MS, renderDuration, renderTime } from "../time.ts";
import { type Check, type Finding, fail, listSome, pass, warn } from "./check.ts";
import type { OnSchema } from "./schema-lack.ts";

/** A run writes its heartbeat each 15 s. */
const SILENT_MS = 2 * MINUTE_MS;
/** The job `r3a-maint` closes such runs each hour. */
const UNCLOSED_MS = 2 * HOUR_MS;
/** The job `r3a-gaps` looks twice an hour; with this much due it does not run, or does not keep up. */
const OVERDUE_MS = 3 * HOUR_MS;

/** Each job starts once a day at least. A run by hand has told its person that it failed. */
const RECENT_MS = 26 * HOUR_MS;

/** The run ledger and the gap log. */
export function ledgerChecks(db: Database, onSchema: OnSchema): readonly Check[] {
  return [
    onSchema("runs", async (signal) => judgeRuns(await listLastRuns(db, signal))),
    onSchema("running", async (signal) => judgeRunning(await listLastRuns(db, signal))),
    onSchema("gaps", async (signal) => judgeGaps(await countOpenGaps(db, signal))),
  ];
}

const nameOf = ({ command, arguments: args }: RunRow) => `${command} ${args}`.trim();

export function judgeRuns(rows: readonly RunRow[]): Finding {
  const ended = rows.filter(({ outcome }) => outcome !== "running");
  if (ended.length === 0)
    return warn(
      "the ledger has no run of the last 7 days that ended",
      "runner sync 1m; do the CronJobs start?",
    );
  const bad = ended.filter(({ outcome }) => outcome !== "success");
  if (bad.length === 0) {
    const told = ended.map((row) => `${nameOf(row)} ${renderDuration(row.age_ms)} ago`);
    return pass(`the last run of each succeeded: ${listSome(told)}`);
  }
  const told = bad.map(
    (row) =>
      `${nameOf(row)} ended ${row.outcome} (exit ${row.exit_code ?? "-"}) ${renderDuration(row.age_ms)} ago${row.error_summary === null ? "" : `: ${row.error_summary.slice(0, 160)}`}`,
  );
  const isJob = bad.some(
    ({ origin, outcome, age_ms }) => origin !== null && outcome !== "partial" && age_ms < RECENT_MS,
  );
  const found = `${bad.length} of ${ended.length} last runs did not succeed: ${listSome(told)}`;
  const remedy = "run it by hand and read what it says, e.g. runner sync 1m; its log has the run's series";
  return isJob ? fail(found, remedy) : warn(found, remedy);
}

export function judgeRunning(rows: readonly RunRow[]): Finding {
  const running = rows.filter(({ outcome }) => outcome === "running");
  const silent = running.filter(({ silent_ms }) => silent_ms >= SILENT_MS);
  const where = ({ host, pid }: RunRow) => `${host || "?"} pid ${pid ?? "?"}`;
  if (silent.length > 0) {
    const told = silent.map(
      (row) => `${nameOf(row)} on ${where(row)}, silent for ${renderDuration(row.silent_ms)}`,
    );
    const found = `${silent.length} runs are open whose program is gone: ${listSome(told)}`;
    const remedy = "look why it died (out of memory? kubectl describe pod); runner maint closes the row";
    return silent.some(({ silent_ms }) => silent_ms >= UNCLOSED_MS)
      ? fail(found, remedy)
      : warn(found, remedy);
  }
  const late = running.filter(({ age_ms, deadline_s }) => deadline_s !== null && age_ms > deadline_s * 1000);
  if (late.length > 0) {
    const told = late.map((row) => `${nameOf(row)} on ${where(row)}, for ${renderDuration(row.age_ms)}`);
    return warn(
      `${late.length} runs are past their own deadline: ${listSome(told)}`,
      "look at what it does: check blocked",
    );
  }
  if (running.length === 0) return pass("nothing runs now");
  return pass(
    `${running.length} under way: ${listSome(running.map((row) => `${nameOf(row)} for ${renderDuration(row.age_ms)}`))}`,
  );
}

export function judgeGaps(rows: readonly GapCountRow[]): Finding {
  if (rows.length === 0) return pass("no gap is open");
  const told = rows.map(
    ({ interval, gaps, oldest }) =>
      `${interval} ${renderNumber(gaps)} (oldest from ${renderTime(oldest.getTime())})`,
  );
  const overdue = Math.max(...rows.map(({ overdue_ms }) => overdue_ms));
  const found = `open gaps: ${listSome(told, 5)}`;
  if (overdue < OVERDUE_MS) return warn(found, "runner gaps lists them; r3a-gaps asks again for what is due");
  return fail(
    `${found}; one has been due for ${renderDuration(overdue)}`,
    "runner gaps --repair; does the job r3a-gaps run?",
  );
}
