import type { TierDrill } from "../db/health/drills.ts";
import { DAY_MS, renderDuration, renderTime } from "../time.ts";
import { type CheckResult, resultOf } from "./report.ts";

/** A drill a week, and a day for the one that has to be repeated; after two weeks without one nobody drills any more. */
const WARN_MS = 8 * DAY_MS;
const FAIL_MS = 16 * DAY_MS;
/** As for the backups of a tier: after so long without one, nobody uses the tier. */
const UNUSED_MS = 90 * DAY_MS;

/**
 * Compares the age of the last drill that passed with the bounds. A drill that failed fails until one of the same tier
 * passes: the next drill takes another tier, and what it proves of that one says nothing of the first.
 */
export function judgeDrills(all: readonly TierDrill[], now: number): CheckResult {
  const drills = all.filter(({ finishedAt }) => now - finishedAt < UNUSED_MS);
  if (drills.length === 0)
    return resultOf("backup", "drill", {
      status: "skip",
      unit: "s",
      output:
        all.length === 0
          ? "no drill was ever made, so that no backup is proved to restore: docs/recovery.md says how to make one"
          : `no drill was made for ${UNUSED_MS / DAY_MS} days: docs/recovery.md says how to make one`,
    });
  const passed = drills.flatMap(({ passedAt }) => passedAt ?? []);
  const newest = passed.length === 0 ? null : Math.max(...passed);
  const finding = {
    observed: newest === null ? null : Math.round((now - newest) / 1000),
    unit: "s",
    criteria: { warn: WARN_MS / 1000, fail: FAIL_MS / 1000 },
    at: newest,
  };
  const failed = drills.filter(({ verdict }) => verdict === "failed");
  if (failed.length > 0)
    return resultOf("backup", "drill", {
      ...finding,
      status: "fail",
      output: `the last drill of ${failed.map(({ tier }) => tier).join(", ")} failed: mend what it names, then run drill --tier ${failed[0]?.tier}`,
      names: failed.map(
        ({ tier, finishedAt, fault }) =>
          `${tier} ${renderTime(finishedAt)}: ${fault ?? "no reason is known"}`,
      ),
    });
  if (newest === null)
    return resultOf("backup", "drill", {
      ...finding,
      status: "fail",
      output: "no drill has passed yet: run drill, and read what it could not compare",
      names: drills.map(({ tier, fault }) => `${tier}: ${fault ?? "no reason is known"}`),
    });
  const age = now - newest;
  if (age > WARN_MS)
    return resultOf("backup", "drill", {
      ...finding,
      status: age > FAIL_MS ? "fail" : "warn",
      output: `the last drill that passed is ${renderDuration(age)} old: run drill, and read why the last one did not pass by runs --command drill`,
    });
  return resultOf("backup", "drill", {
    ...finding,
    status: "pass",
    output: `a drill passed ${renderDuration(age)} ago`,
  });
}
