import { expect, test } from "vitest";
import type { LastRun, LedgerRun } from "../../runner/src/db/health/jobs.ts";
import { judgeRunning, judgeRuns } from "../../runner/src/health/jobs.ts";
import type { CheckResult } from "../../runner/src/health/report.ts";
import { HOUR, MINUTE } from "../support/candle/arbitraries.ts";

const NOW = Date.UTC(2026, 5, 15);
const run: LastRun = {
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
const failed: LastRun = { ...run, outcome: "failure", exitCode: 75, error: "away" };
const ofRuns = (...runs: readonly LastRun[]) => judgeRuns(runs, NOW);
const ofRunning = (...runs: readonly LedgerRun[]) => judgeRunning(runs, NOW);
const silent = (ms: number) => ofRunning({ ...run, deadlineS: null, heartbeatAt: NOW - ms });

test.each<[string, CheckResult, CheckResult["status"], RegExp, readonly string[]]>([
  ["no run yet", ofRuns(), "pass", /^in the last 7 days no other job ran than those of sync and health$/, []],
  ["runs that went well", ofRuns(run), "pass", /^the last run of 1 job succeeded$/, []],
  [
    "a job that failed",
    ofRuns(run, failed),
    "fail",
    /^the last run of 1 of 2 jobs did not succeed: run each command by hand/,
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
    "a job that found something",
    ofRuns({
      ...failed,
      command: "verify",
      args: "",
      origin: "verify",
      outcome: "findings",
      exitCode: 1,
      error: null,
    }),
    "fail",
    /1 of 1 job did/,
    ["verify (job verify) ended with findings (exit 1) 10 s ago"],
  ],
  ["nothing under way", ofRunning(), "pass", /^no other command is under way than the syncs of jobs$/, []],
  [
    "a run under way",
    ofRunning(run),
    "pass",
    /^1 run is under way$/,
    ["maint --max-ops 300 (job maint) for 10 s"],
  ],
  ["a run silent for less than 5 min", silent(5 * MINUTE - 1), "pass", /under way/, [expect.anything()]],
  [
    "a run silent for 5 min",
    silent(5 * MINUTE),
    "warn",
    /^the process of 1 run is gone: see why it died .* maint closes its row$/,
    ["maint --max-ops 300 (job maint) on pod pid 1, silent for 5 min"],
  ],
  ["a run that nobody closes", silent(2 * HOUR), "fail", /is gone/, [expect.anything()]],
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
    /^1 run is past its own deadline: doctor --only blocked says what it waits for$/,
    ["maint --max-ops 300 (job maint) on pod pid 1, for 50 s"],
  ],
])("%s", (_, result, status, output, names) => {
  expect(result).toMatchObject({ check: "activity", status, output: expect.stringMatching(output), names });
});

test("a name has the whole command line: a copy of a part would be another run", () => {
  const args = `1m --from 2024-01-01T00:00:00Z --to 2024-02-01T00:00:00Z --symbols ${"BTCUSDT,".repeat(90)}ETHUSDT`;
  expect(ofRuns({ ...failed, args }).names).toEqual([expect.stringContaining(` ${args} `)]);
});
