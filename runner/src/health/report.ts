import type { Status } from "../status.ts";

/** The six checks, in the order in which they are shown. */
export const CHECKS = ["freshness", "coverage", "integrity", "size", "backup", "activity"] as const;
export type CheckName = (typeof CHECKS)[number];

/** The result of one check for one component: an interval, a part of the database, a job, or "" for no component. */
export type CheckResult = {
  readonly check: CheckName;
  readonly component: string;
  readonly status: Status;
  /** In `unit`. Null if the check could not measure, or if there is nothing to measure. */
  readonly observed: number | null;
  readonly unit: string;
  /** The limits for `observed`: `min`, `warn`, `fail` and `budget` in `unit`; other names contain their own unit. */
  readonly criteria: Readonly<Record<string, number>>;
  /** The moment that was observed (ms), e.g. the close of the newest candle. An age would become wrong with time. */
  readonly at: number | null;
  /** One sentence. */
  readonly output: string;
  /** At most ten names of what is affected. `moreNames`: the number of further names. */
  readonly names: readonly string[];
  readonly moreNames: number;
  readonly runbook: string;
};

/**
 * `now` (ms): all ages count up to this moment. `status`: the worst of all results. `away`: the error if the database did
 * not answer at all, null if the database answered.
 */
export type HealthReport = {
  readonly now: number;
  readonly status: Status;
  readonly away: unknown;
  readonly results: readonly CheckResult[];
};

/** Each runbook has the name of the alert that leads to the runbook. */
const RUNBOOKS: Readonly<Record<CheckName, string>> = {
  freshness: "OhlcvDataStale",
  coverage: "OhlcvSymbolsMissing",
  integrity: "OhlcvDatabaseCorruption",
  size: "OhlcvDiskSpaceLow",
  backup: "OhlcvBackupStale",
  activity: "OhlcvScriptErrors",
};
/** The runbooks for the reasons why a check could not measure, whatever the check is about. */
export const RUNBOOK_DATABASE_AWAY = "OhlcvDatabaseUnreachable";
export const RUNBOOK_SETTINGS = RUNBOOKS.activity;
/** Nothing is damaged: a job failed, or did not run. */
export const RUNBOOK_JOBS = RUNBOOKS.activity;
export const RUNBOOK_DAMAGE = RUNBOOKS.integrity;

/** How many names a result has at most. */
export const MOST_NAMES = 10;

type Finding = Pick<CheckResult, "status" | "output"> & Partial<CheckResult>;

/** Completes a result. A long list of names is cut to ten names and the number of the others. */
export function resultOf(check: CheckName, component: string, finding: Finding): CheckResult {
  const { names = [], ...rest } = finding;
  return {
    check,
    component,
    observed: null,
    unit: "",
    criteria: {},
    at: null,
    runbook: RUNBOOKS[check],
    ...rest,
    names: names.slice(0, MOST_NAMES),
    moreNames: Math.max(0, names.length - MOST_NAMES),
  };
}

/** What is counted: `unit` in the plural. `good`: the sentence if there is none of them; `bad`: if there is. */
type Named = {
  readonly names: readonly string[];
  readonly unit: string;
  readonly good: string;
  readonly bad: string;
  readonly runbook?: string;
};

/** One result for a list of names: one of them is a failure. */
export function judgeNames(
  check: CheckName,
  component: string,
  { names, unit, good, bad, runbook = RUNBOOKS[check] }: Named,
): CheckResult {
  return resultOf(check, component, {
    ...(names.length > 0 ? { status: "fail", output: bad } : { status: "pass", output: good }),
    observed: names.length,
    criteria: { fail: 1 },
    ...{ unit, names, runbook },
  });
}

/** Whether the report counts as healthy. With `isStrict` a warning does not count as healthy. An `error` never does. */
export function isHealthy({ status }: HealthReport, isStrict: boolean): boolean {
  return status === "pass" || status === "skip" || (status === "warn" && !isStrict);
}
