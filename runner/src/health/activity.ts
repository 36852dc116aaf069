import type { Interval } from "../contract/intervals.ts";
import type { RunGroup } from "../db/health/activity.ts";
import { GONE_MS, parseSyncArguments, renderSyncArguments, type SyncForm } from "../db/runs.ts";
import { type Status, worstStatus } from "../status.ts";
import { renderDuration, renderSecond } from "../time.ts";
import type { AgeBounds } from "./freshness.ts";
import { type CheckResult, resultOf } from "./report.ts";

/** A run closes its row at most 8 s after its deadline. */
export const CLOSING_MS = 15_000;

type SyncRuns = RunGroup & Omit<SyncForm, "interval">;

/**
 * Whether the sync of the interval ran, ended well and ended in time. A run of the whole universe (or of each shard) must
 * exist; a job of the largest symbols (`--top`) counts if it runs. A sync that a person started beside the jobs proves
 * nothing, good or bad. If no run has an origin, for instance under the machine's own cron, runs without an origin count.
 */
export function judgeActivity(
  interval: Interval,
  groups: readonly RunGroup[],
  bounds: AgeBounds,
): CheckResult {
  const { limits, now } = bounds;
  const hasJobs = groups.some(({ origin }) => origin !== null);
  const syncs: readonly SyncRuns[] = groups
    .filter(({ origin }) => !hasJobs || origin !== null)
    .map((group) => ({ ...group, ...parseSyncArguments(group.args) }));
  const scheduled = syncs.filter(({ top, symbols }) => top === null && symbols === null);
  const others = syncs.filter(({ top }) => top !== null);
  const verdicts = [...scheduled, ...others].map((group) => ({ group, ...judgeGroup(group, bounds) }));
  const successes = scheduled.flatMap(({ successAt }) => successAt ?? []);
  const at = successes.length === 0 ? null : Math.min(...successes);
  const bad = verdicts.filter((verdict) => verdict.status !== "pass");
  const missing = listMissing(scheduled).map((shard) =>
    renderSyncArguments({ interval, shard, top: null, symbols: null }),
  );
  const status =
    scheduled.length === 0 || missing.length > 0
      ? "fail"
      : worstStatus(verdicts.map((verdict) => verdict.status));
  const since = `in the last ${renderDuration(limits.error)}`;
  const counts = `${hasJobs ? "a run of a job" : "a run"} without --top and --symbols counts`;
  const faults = [
    ...bad.map(({ group, output }) => `sync ${group.args} ${output}`),
    ...missing.map((args) => `no run of sync ${args} ${since}, which others of its shards had`),
  ];
  const good = `sync ${interval} ended well ${renderDuration(Math.max(0, now - (at ?? now)))} ago`;
  return resultOf("activity", `sync ${interval}`, {
    status,
    observed: at === null ? null : Math.max(0, Math.round((now - at) / 1000)),
    unit: "s",
    criteria: { fail: limits.error / 1000 },
    at,
    output:
      scheduled.length === 0 ? `no run of sync ${interval} ${since} (${counts})` : faults.join("; ") || good,
    names: [...bad.map(({ group }) => group.args), ...missing],
    ...(bad.some(({ isLate }) => isLate) ? { runbook: "OhlcvSyncTimeout" } : {}),
  });
}

/** The shards of the newest division that had no run. None if one run has done all shards since. */
function listMissing(scheduled: readonly SyncRuns[]): readonly SyncForm["shard"][] {
  const startOf = ({ finished, running }: RunGroup) =>
    Math.max(finished?.startedAt ?? 0, running?.startedAt ?? 0);
  const newest = scheduled.toSorted((a, b) => startOf(b) - startOf(a))[0]?.shard.count ?? 1;
  const there = new Set(scheduled.flatMap(({ shard }) => (shard.count === newest ? [shard.index] : [])));
  return Array.from({ length: newest }, (_, index) => ({ index, count: newest })).filter(
    ({ index }) => newest > 1 && !there.has(index),
  );
}

type Verdict = { readonly status: Status; readonly output: string; readonly isLate: boolean };

function judgeGroup({ finished, running, successAt }: RunGroup, { limits, now }: AgeBounds): Verdict {
  const fail = (output: string, isLate = false): Verdict => ({ status: "fail", output, isLate });
  // a newer run has ended since: maint closes the older row
  if (running !== null && running.startedAt > (finished?.startedAt ?? 0)) {
    const { startedAt, heartbeatAt, deadlineS } = running;
    const since = `runs since ${renderSecond(startedAt)}`;
    if (deadlineS !== null && now > startedAt + deadlineS * 1000 + CLOSING_MS)
      return fail(`${since}, past its deadline of ${deadlineS} s`, true);
    if (now > heartbeatAt + GONE_MS)
      return fail(
        `${since} without a heartbeat for ${renderDuration(now - heartbeatAt)}: its process is gone`,
        true,
      );
  }
  if (finished === null) return fail(`has not ended once in the last ${renderDuration(limits.error)}`);
  const { outcome, exitCode, error } = finished;
  const ended = `ended with ${outcome}${exitCode === null ? "" : ` (exit ${exitCode})`}${error === null ? "" : `: ${error}`}`;
  if (outcome === "partial") return { status: "warn", output: ended, isLate: false };
  if (outcome !== "success") return fail(ended, outcome === "timeout");
  if (successAt !== null && successAt <= now - limits.error)
    return fail(`ended well ${renderDuration(now - successAt)} ago, and not since`);
  return { status: "pass", output: "ended well", isLate: false };
}
