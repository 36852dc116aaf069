import type { Interval } from "../contract/intervals.ts";
import type { RunGroup } from "../db/health/activity.ts";
import { GONE_MS, parseSyncArguments, renderSyncArguments, type SyncForm } from "../db/runs.ts";
import type { AgeLimits } from "../settings/parsers.ts";
import { type Status, worstStatus } from "../status.ts";
import { renderDuration, renderTime } from "../time.ts";
import { type CheckResult, resultOf } from "./report.ts";

/** A run closes its row within 8 s of its deadline. */
export const CLOSING_MS = 15_000;

type SyncRuns = RunGroup & Omit<SyncForm, "interval">;

/**
 * Whether the interval's sync ran, ended well and did so in time. The job of the whole universe (or each of its shards)
 * must be there; one of the largest (`--top`) counts where it runs. What a person tried by hand beside the jobs is no
 * evidence in either direction; where no job has an origin, as under a cron of the machine, the same syncs count by hand.
 */
export function judgeActivity(
  interval: Interval,
  groups: readonly RunGroup[],
  limits: AgeLimits,
  now: number,
): CheckResult {
  const hasJobs = groups.some(({ origin }) => origin !== null);
  const syncs: readonly SyncRuns[] = groups
    .filter(({ origin }) => !hasJobs || origin !== null)
    .map((group) => ({ ...group, ...parseSyncArguments(group.args) }));
  const scheduled = syncs.filter(({ top, symbols }) => top === null && symbols === null);
  const others = syncs.filter(({ top }) => top !== null);
  const verdicts = [...scheduled, ...others].map((group) => ({ group, ...judgeGroup(group, limits, now) }));
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
  const faults = [
    ...bad.map(({ group, output }) => `sync ${shorten(group.args)} ${output}`),
    ...missing.map((args) => `no run of sync ${shorten(args)} ${since}, which others of its shards had`),
  ];
  const good = `sync ${interval} ended well ${renderDuration(Math.max(0, now - (at ?? now)))} ago`;
  return resultOf("activity", `sync ${interval}`, {
    status,
    observed: at === null ? null : Math.max(0, Math.round((now - at) / 1000)),
    unit: "s",
    criteria: { fail: limits.error / 1000 },
    at,
    output: scheduled.length === 0 ? `no run of sync ${interval} ${since}` : faults.join("; ") || good,
    names: [...bad.map(({ group }) => group.args), ...missing].map(shorten),
    ...(bad.some(({ isLate }) => isLate) ? { runbook: "OhlcvSyncTimeout" } : {}),
  });
}

/** Shards of the newest division that had no run at all; none where the whole has run since, in one. */
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

function judgeGroup({ finished, running, successAt }: RunGroup, limits: AgeLimits, now: number): Verdict {
  const fail = (output: string, isLate = false): Verdict => ({ status: "fail", output, isLate });
  // an older row that was never closed is maint's business: a newer run has ended since
  if (running !== null && running.startedAt > (finished?.startedAt ?? 0)) {
    const { startedAt, heartbeatAt, deadlineS } = running;
    const since = `runs since ${renderTime(Math.floor(startedAt / 1000) * 1000)}`;
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

function shorten(args: string): string {
  return args.length > 60 ? `${args.slice(0, 60)}...` : args;
}
