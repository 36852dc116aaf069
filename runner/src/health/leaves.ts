import type { Interval } from "../contract/intervals.ts";
import type { Ages, Attached } from "../db/health/leaves.ts";
import { listMisaligned } from "../partition/attached.ts";
import { type Leaf, leafAt } from "../partition/layout.ts";
import { renderNumber } from "../render.ts";
import { DAY_MS } from "../time.ts";
import { type CheckResult, judgeNames, RUNBOOK_JOBS, resultOf } from "./report.ts";

/** Autovacuum starts to freeze rows at 200 million. At 2,100 million the server takes no more writes. */
const AGE = { warn: 600e6, fail: 1_200e6 };

/**
 * The leaves of the current and of the next period must exist: `maint` makes leaves ahead, so that no sync has to. A
 * parent without a leaf has stored nothing yet, so its missing leaves are a warning. A DEFAULT partition, and a table of
 * somebody else in the place of a leaf, keep `maint` from making leaves.
 */
export function judgeLeaves(
  { leaves, defaults }: Attached,
  intervals: readonly Interval[],
  now: number,
): CheckResult {
  const result = (finding: Parameters<typeof resultOf>[2]) =>
    resultOf("integrity", "leaves", {
      observed: leaves.length,
      unit: "leaves",
      runbook: RUNBOOK_JOBS,
      ...finding,
    });
  if (defaults.length > 0)
    return result({
      status: "fail",
      output:
        "a DEFAULT partition takes rows that belong into leaves, and keeps the leaves from being made: move its rows out, detach it and drop it",
      names: defaults,
    });
  const strangers = listMisaligned(leaves);
  if (strangers.length > 0)
    return result({
      status: "fail",
      output: "a table stands where a leaf belongs, and maint ends with 1 until it is gone",
      names: strangers,
    });
  const present = new Set(leaves.map(({ name }) => name));
  const wanted = intervals.flatMap((interval) => {
    const current = leafAt(interval, now);
    return [current, leafAt(interval, current.span.to)];
  });
  const lacking = new Map(
    wanted.flatMap((leaf) => (present.has(leaf.name) ? [] : [[leaf.name, leaf] as const])),
  );
  const count = leaves.length === 1 ? "1 leaf" : `${renderNumber(leaves.length)} leaves`;
  if (lacking.size === 0)
    return result({ status: "pass", output: `${count}, those of now and of the next period among them` });
  const isUsed = ({ parent }: Leaf) => leaves.some((leaf) => leaf.parent === parent);
  const isLate = [...lacking.values()].some((leaf) => isUsed(leaf) && leaf.span.from < now + DAY_MS);
  return result({
    status: isLate ? "fail" : "warn",
    output: `${count}; those of now or of the next period are missing: where the part damage names one, run restore --damaged first; then run maint, and see whether its job runs each hour`,
    names: [...lacking.keys()],
  });
}

export function judgeDetaching(names: readonly string[]): CheckResult {
  return judgeNames("integrity", "detach", {
    names,
    unit: "partitions",
    good: "no partition is half detached",
    bad: "a DETACH CONCURRENTLY was cut off, and the server refuses the next one until it is finished: run maint, or alter table PARENT detach partition NAME finalize",
    runbook: RUNBOOK_JOBS,
  });
}

export function judgeAges({ transactions, multixacts }: Ages): CheckResult {
  const observed = Math.max(transactions, multixacts);
  const status = observed >= AGE.fail ? "fail" : observed >= AGE.warn ? "warn" : "pass";
  const remedy =
    ": find what holds vacuum back (doctor --only transactions,locks; replication slots), then run vacuum (freeze) as the owner";
  return resultOf("integrity", "wraparound", {
    status,
    observed,
    unit: "transactions",
    criteria: AGE,
    output: `the oldest row is ${renderNumber(transactions / 1e6)} million transactions and ${renderNumber(multixacts / 1e6)} million multixacts old, and the server stops at 2,100 million${status === "pass" ? "" : remedy}`,
    runbook: RUNBOOK_JOBS,
  });
}
