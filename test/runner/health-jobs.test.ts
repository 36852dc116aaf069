import { expect, test } from "vitest";
import type { EndedRun, LedgerRun } from "../../runner/src/db/health/jobs.ts";
import { judgeRunning, judgeRuns } from "../../runner/src/health/jobs.ts";
import type { CheckResult } from "../../runner/src/health/report.ts";
import { HOUR, MINUTE } from "../support/candle/arbitraries.ts";

const NOW = Date.UTC(2026, 5, 15);
const run: EndedRun = {
  command: "maint",
  args: "--max-ops 300",
  origin: "maint",
  outcome: "success",
  exitCode: 0,
  error: null,
  deadlineS: 35,
  host: "pod",
  pid: 1,
  startedAt: NOW - 10_000,
  heartbeatAt: NOW - 1_000,
};
const failed: EndedRun = { ...run, outcome: "failure", exitCode: 75, error: "away" };
const byHand: EndedRun = { ...failed, command: "backfill", args: "1m", origin: null };
const ofRuns = (...runs: readonly EndedRun[]) => judgeRuns(runs, NOW);
const ofRunning = (...runs: readonly LedgerRun[]) => judgeRunning(runs, NOW);
const silent = (ms: number) => ofRunning({ ...run, deadlineS: null, heartbeatAt: NOW - ms });

test.each<[string, CheckResult, CheckResult["status"], RegExp, readonly string[]]>([
  ["no run yet", ofRuns(), "pass", /^no command but sync and health ran/, []],
  ["runs that went well", ofRuns(run), "pass", /^the last run of each of 1 commands succeeded$/, []],
  [
    "a job that failed",
    ofRuns(run, failed),
    "fail",
    /^1 of 2 last runs did not succeed: run each by hand/,
    ["maint --max-ops 300 (job maint) ended with failure (exit 75) 10 s ago: away"],
  ],
  [
    "a job that was partly done",
    ofRuns({ ...failed, outcome: "partial" }),
    "warn",
    /1 of 1/,
    [expect.anything()],
  ],
  [
    "a job 26 h ago",
    ofRuns({ ...failed, startedAt: NOW - 26 * HOUR }),
    "warn",
    /1 of 1/,
    [expect.anything()],
  ],
  [
    "a job just before",
    ofRuns({ ...failed, startedAt: NOW - 26 * HOUR + 1 }),
    "fail",
    /1 of 1/,
    [expect.anything()],
  ],
  [
    "a command by hand that failed",
    ofRuns(run, byHand),
    "warn",
    /1 of 2/,
    ["backfill 1m ended with failure (exit 75) 10 s ago: away"],
  ],
  [
    "the same two days ago",
    ofRuns({ ...byHand, startedAt: NOW - 48 * HOUR }),
    "pass",
    /succeeded|last run/,
    [],
  ],
  ["nothing under way", ofRunning(), "pass", /^no command but the syncs of jobs runs now$/, []],
  [
    "a run under way",
    ofRunning(run),
    "pass",
    /^1 runs are under way$/,
    ["maint --max-ops 300 (job maint) for 10 s"],
  ],
  ["a run silent for less than 5 min", silent(5 * MINUTE - 1), "pass", /under way/, [expect.anything()]],
  [
    "a run silent for 5 min",
    silent(5 * MINUTE),
    "warn",
    /^the processes of 1 runs are gone: .* maint closes their rows$/,
    ["maint --max-ops 300 (job maint) on pod pid 1, silent for 5 min"],
  ],
  ["a run that nobody closes", silent(2 * HOUR), "fail", /are gone/, [expect.anything()]],
  [
    "a run at the end of its deadline",
    ofRunning({ ...run, startedAt: NOW - 50_000 }),
    "pass",
    /under way/,
    [expect.anything()],
  ],
  [
    "a run past its deadline",
    ofRunning({ ...run, startedAt: NOW - 50_001 }),
    "warn",
    /past their own deadline: doctor --only blocked/,
    ["maint --max-ops 300 (job maint) on pod pid 1, for 50 s"],
  ],
])("%s", (_, result, status, output, names) => {
  expect(result).toMatchObject({ check: "activity", status, output: expect.stringMatching(output), names });
});

test("a long list of arguments is cut off in a name", () => {
  const [name = ""] = ofRuns({ ...failed, args: `1m --symbols ${"BTCUSDT,".repeat(90)}` }).names;
  expect(name.length).toBeLessThan(130);
});
