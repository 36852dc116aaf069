import { describe, expect, test } from "vitest";
import type { RunGroup } from "../../runner/src/db/health/activity.ts";
import { renderSyncArguments } from "../../runner/src/db/runs.ts";
import { judgeActivity } from "../../runner/src/health/activity.ts";
import { parseSettings } from "../../runner/src/settings/parse.ts";
import { MINUTE_MS } from "../../runner/src/time.ts";

const NOW = Date.parse("2024-06-01T12:00:00Z");
const judge = (groups: readonly RunGroup[]) =>
  judgeActivity("1m", groups, {
    limits: parseSettings({}, ["freshnessLimits"]).freshnessLimits["1m"],
    now: NOW,
  });

const group = (args: string, more: Partial<RunGroup> = {}): RunGroup => ({
  interval: "1m",
  args,
  origin: null,
  finished: { startedAt: NOW - MINUTE_MS, outcome: "success", exitCode: 0, error: null },
  running: null,
  successAt: NOW - 50_000,
  ...more,
});
const ended = (outcome: "partial" | "failure" | "timeout" | "aborted", exitCode: number) =>
  group("1m", { finished: { startedAt: NOW - MINUTE_MS, outcome, exitCode, error: "it says why" } });
const running = (startedAgo: number, beatAgo: number, deadlineS: number | null) =>
  group("1m", { running: { startedAt: NOW - startedAgo, heartbeatAt: NOW - beatAgo, deadlineS } });

/** Began after the last one that ended, and was heard of last before `silentFor`. */
const lost = (silentFor: number) =>
  group("1m", {
    finished: { startedAt: NOW - 9 * MINUTE_MS, outcome: "success", exitCode: 0, error: null },
    running: { startedAt: NOW - 8 * MINUTE_MS, heartbeatAt: NOW - silentFor, deadlineS: null },
  });

describe("activity", () => {
  test("passes by the last success of the scheduled sync", () => {
    expect(judge([group("1m")])).toMatchObject({
      status: "pass",
      component: "sync 1m",
      observed: 50,
      at: NOW - 50_000,
      criteria: { fail: 600 },
      output: "sync 1m ended well 50 s ago",
    });
  });

  test.each([
    ["nothing ran", [], "fail", "no run of sync 1m in the last 10 min"],
    ["partial", [ended("partial", 1)], "warn", "ended with partial (exit 1): it says why"],
    ["failure", [ended("failure", 1)], "fail", "ended with failure (exit 1): it says why"],
    ["timeout", [ended("timeout", 124)], "fail", "ended with timeout (exit 124)"],
    ["aborted", [ended("aborted", 143)], "fail", "ended with aborted (exit 143)"],
    [
      "overdue",
      [group("1m", { successAt: NOW - 10 * MINUTE_MS })],
      "fail",
      "ended well 10 min ago, and not since",
    ],
    ["never ended", [group("1m", { finished: null, successAt: null })], "fail", "has not ended once"],
    ["under way", [running(50_000, 5_000, 60)], "pass", "ended well"],
    ["past its deadline", [running(75_001 - 20_000, 5_000, 40)], "fail", "past its deadline of 40 s"],
    ["closing after its deadline", [running(55_000, 5_000, 40)], "pass", "ended well"],
    ["without a heartbeat", [lost(5 * MINUTE_MS + 1)], "fail", "its process is gone"],
    ["without one for 5 min", [lost(5 * MINUTE_MS)], "pass", "ended well"],
    ["an old row beside a newer end", [running(61_000, 61_000, 1)], "pass", "ended well"],
  ] as const)("%s", (_, groups, status, output) => {
    const result = judge(groups);
    expect(result.status).toBe(status);
    expect(result.output).toContain(output);
  });

  test("leads to the runbook of time-outs for a run that took too long", () => {
    expect(judge([ended("timeout", 124)]).runbook).toBe("OhlcvSyncTimeout");
    expect(judge([running(55_001, 5_000, 40)]).runbook).toBe("OhlcvSyncTimeout");
    expect(judge([ended("failure", 1)]).runbook).toBe("OhlcvScriptErrors");
  });

  test("is of the worst shard, and of the oldest of their successes", () => {
    const shards = [
      group("1m --shard 0/2", { successAt: NOW - 9 * MINUTE_MS }),
      { ...ended("failure", 1), args: "1m --shard 1/2" },
    ];
    const result = judge(shards);
    expect(result).toMatchObject({ status: "fail", observed: 540, names: ["1m --shard 1/2"] });
    expect(result.output).toBe("sync 1m --shard 1/2 ended with failure (exit 1): it says why");
  });

  test("sees a top job that fails, and no top job can stand for the whole one", () => {
    const top = group("1m --top 20");
    expect(judge([top])).toMatchObject({
      status: "fail",
      output: "no run of sync 1m in the last 10 min (a run without --top and --symbols counts)",
    });
    expect(judge([group("1m"), { ...ended("timeout", 124), args: "1m --top 20" }])).toMatchObject({
      status: "fail",
      names: ["1m --top 20"],
    });
  });

  test("takes what a person tried by hand for no evidence", () => {
    const byHand = { ...ended("failure", 64), args: "1m --symbols NOPEUSDT" };
    expect(judge([group("1m"), byHand]).status).toBe("pass");
    expect(judge([group("1m --symbols BTCUSDT")]).status).toBe("fail");
  });

  test("where jobs run, takes only what they started; a person's sync covers for none", () => {
    const job = group("1m", { origin: "sync-1m" });
    const failed = ended("failure", 1);
    expect(judge([job, failed])).toMatchObject({ status: "pass", observed: 50 });
    const top = group("1m --top 20", { origin: "sync-1m-top" });
    expect(judge([top, group("1m")])).toMatchObject({
      status: "fail",
      output: "no run of sync 1m in the last 10 min (a run of a job without --top and --symbols counts)",
    });
    expect(judge([job, { ...failed, origin: "sync-1m-top", args: "1m --top 20" }]).status).toBe("fail");
  });

  const ofShard = (index: number, count: number) =>
    group(renderSyncArguments({ interval: "1m", shard: { index, count }, top: null, symbols: null }), {
      origin: "sync-1m",
    });

  test("misses the shard of which there is no run, unless the whole has run since in one", () => {
    const first = ofShard(0, 2);
    expect(judge([first, ofShard(1, 2)]).status).toBe("pass");
    expect(judge([first])).toMatchObject({
      status: "fail",
      output: "no run of sync 1m --shard 1/2 in the last 10 min, which others of its shards had",
      names: ["1m --shard 1/2"],
    });
    const before = { ...first, finished: { ...first.finished, startedAt: NOW - 2 * MINUTE_MS } } as RunGroup;
    expect(judge([before, ofShard(0, 1)]).status).toBe("pass");
  });
});
