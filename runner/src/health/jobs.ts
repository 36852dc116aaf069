import type { LastRun, LedgerRun } from "../db/health/jobs.ts";
import { GONE_MS } from "../db/runs.ts";
import { renderCount } from "../render.ts";
import { HOUR_MS, renderDuration } from "../time.ts";
import { CLOSING_MS } from "./activity.ts";
import { type CheckResult, resultOf } from "./report.ts";

/** Each job starts at least once a day. */
const RECENT_MS = 26 * HOUR_MS;
/** The job r3a-maint closes the rows of lost processes each hour. */
const UNCLOSED_MS = 2 * HOUR_MS;
/** The error of a run as far as a line of the report has room for it. */
const SHOWN_LETTERS = 160;

/** The whole command line: a person copies it, and without its last options it would be another run. */
function nameOf({ command, args, origin }: LedgerRun): string {
  return `${`${command} ${args}`.trim()}${origin === null ? "" : ` (job ${origin})`}`;
}

function cut(error: string): string {
  return error.length > SHOWN_LETTERS ? `${error.slice(0, SHOWN_LETTERS)}...` : error;
}

/**
 * Judges the last run of each job except sync and health. One that did not succeed is a failure for 26 h, and then a
 * warning; one that was partly done is a warning.
 */
export function judgeRuns(runs: readonly LastRun[], now: number): CheckResult {
  const isRecent = ({ startedAt }: LedgerRun) => startedAt > now - RECENT_MS;
  const bad = runs.filter(({ outcome }) => outcome !== "success");
  const isFailure = bad.some((run) => run.outcome !== "partial" && isRecent(run));
  return resultOf("activity", "runs", {
    status: isFailure ? "fail" : bad.length > 0 ? "warn" : "pass",
    observed: bad.length,
    unit: "runs",
    output:
      bad.length > 0
        ? `the last run of ${bad.length} of ${renderCount(runs.length, "job")} did not succeed: run each command by hand, and read its output`
        : runs.length === 0
          ? "in the last 7 days no other job ran than those of sync and health"
          : `the last run of ${runs.length === 1 ? "1 job" : `each of ${runs.length} jobs`} succeeded`,
    names: bad.map((run) => {
      const error = run.error === null ? "" : `: ${cut(run.error)}`;
      return `${nameOf(run)} ended with ${run.outcome} (exit ${run.exitCode ?? "-"}) ${renderDuration(now - run.startedAt)} ago${error}`;
    }),
  });
}

/** Judges the open runs. A lost process is a warning, and a failure if maint does not close its row. A late run is a warning. */
export function judgeRunning(runs: readonly LedgerRun[], now: number): CheckResult {
  const silenceOf = ({ heartbeatAt }: LedgerRun) => now - heartbeatAt;
  const gone = runs.filter((run) => silenceOf(run) >= GONE_MS);
  const late = runs.filter(
    ({ startedAt, deadlineS }) => deadlineS !== null && now > startedAt + deadlineS * 1000 + CLOSING_MS,
  );
  const placeOf = ({ host, pid }: LedgerRun) => `${host || "?"} pid ${pid ?? "?"}`;
  const result = (finding: Parameters<typeof resultOf>[2]) =>
    resultOf("activity", "running", { observed: runs.length, unit: "runs", ...finding });
  if (gone.length > 0)
    return result({
      status: gone.some((run) => silenceOf(run) >= UNCLOSED_MS) ? "fail" : "warn",
      output: `${gone.length === 1 ? "the process of 1 run is gone: see why it" : `the processes of ${gone.length} runs are gone: see why each`} died (out of memory? kubectl describe pod); maint closes ${gone.length === 1 ? "its row" : "their rows"}`,
      names: gone.map(
        (run) => `${nameOf(run)} on ${placeOf(run)}, silent for ${renderDuration(silenceOf(run))}`,
      ),
    });
  if (late.length > 0)
    return result({
      status: "warn",
      output: `${late.length === 1 ? "1 run is past its" : `${late.length} runs are past their`} own deadline: doctor --only blocked says what ${late.length === 1 ? "it waits" : "they wait"} for`,
      names: late.map(
        (run) => `${nameOf(run)} on ${placeOf(run)}, for ${renderDuration(now - run.startedAt)}`,
      ),
    });
  const names = runs.map((run) => `${nameOf(run)} for ${renderDuration(now - run.startedAt)}`);
  return result({
    status: "pass",
    output:
      runs.length === 0
        ? "no other command is under way than the syncs of jobs"
        : `${runs.length === 1 ? "1 run is" : `${runs.length} runs are`} under way`,
    names,
  });
}
