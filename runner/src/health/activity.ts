import type { Interval } from "../contract.ts";
import type { RunGroup } from "../db/health-activity.ts";
import { renderDuration, renderTime } from "../time.ts";
import type { AgeLimits } from "./freshness-limits.ts";
import { type CheckResult, resultOf, type Status, worstOf } from "./report.ts";

/** A run closes its row within 8 s of its deadline. */
const CLOSING_MS = 15_000;
/** Four heartbeats. */
const LOST_MS = 60_000;
/** As the ledger cuts them. */
const LONGEST_ARGUMENTS = 500;

/** The arguments that the ledger has for the interval's scheduled sync. */
export function syncArguments(interval: Interval, symbols: readonly string[] | null): string {
  return `${interval}${symbols === null ? "" : ` --symbols ${symbols.join(",")}`}`.slice(
    0,
    LONGEST_ARGUMENTS,
  );
}

/**
 * Whether the interval's sync ran, ended well and did so in time. The scheduled one (or each of its shards) must be
 * there; `--top` counts where it runs; what else a person tried by hand is no evidence in either direction.
 */
export function judgeActivity(
  interval: Interval,
  groups: readonly RunGroup[],
  symbols: readonly string[] | null,
  limits: AgeLimits,
  now: number,
): CheckResult {
  const base = syncArguments(interval, symbols);
  const isScheduled = ({ args }: RunGroup) => args === base || args.startsWith(`${base} --shard `);
  const scheduled = groups.filter(isScheduled);
  const others = groups.filter(({ args }) => args.startsWith(`${interval} --top `));
  const verdicts = [...scheduled, ...others].map((group) => ({ group, ...judgeGroup(group, limits, now) }));
  const successes = scheduled.flatMap(({ successAt }) => successAt ?? []);
  const at = successes.length === 0 ? null : Math.min(...successes);
  const status = scheduled.length === 0 ? "fail" : worstOf(verdicts.map((verdict) => verdict.status));
  const bad = verdicts.filter((verdict) => verdict.status !== "pass");
  const found =
    scheduled.length === 0
      ? `no run of sync ${interval} in the last ${renderDuration(limits.error)}`
      : bad.length === 0
        ? `sync ${interval} ended well ${renderDuration(Math.max(0, now - (at ?? now)))} ago`
        : bad.map(({ group, output }) => `sync ${shorten(group.args)} ${output}`).join("; ");
  return resultOf("activity", `sync ${interval}`, {
    status,
    observed: at === null ? null : Math.max(0, Math.round((now - at) / 1000)),
    unit: "s",
    criteria: { fail: limits.error / 1000 },
    at,
    output: found,
    names: bad.map(({ group }) => shorten(group.args)),
    ...(bad.some(({ isLate }) => isLate) ? { runbook: "OhlcvSyncTimeout" } : {}),
  });
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
    if (now > heartbeatAt + LOST_MS)
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
