import type { Status } from "../status.ts";

/** The six checks, in the order in which they are shown. */
export const CHECKS = ["freshness", "coverage", "integrity", "size", "backup", "activity"] as const;
export type CheckName = (typeof CHECKS)[number];

/** What one check says of one component (interval, part of the database, job; "" where it has none). */
export type CheckResult = {
  readonly check: CheckName;
  readonly component: string;
  readonly status: Status;
  /** In `unit`; null where it could not be measured or there is nothing to measure. */
  readonly observed: number | null;
  readonly unit: string;
  /** The limits that the observation was held against, in `unit`; other names say their own unit. */
  readonly criteria: Readonly<Record<string, number>>;
  /** The moment that the observation speaks of (ms), e.g. the close of the newest candle: an age would go stale. */
  readonly at: number | null;
  /** One sentence. */
  readonly output: string;
  /** What is affected: at most ten names, and how many more there are. */
  readonly names: readonly string[];
  readonly moreNames: number;
  readonly runbook: string;
};

/**
 * `now` (ms) is the moment that the ages count from; `status` the worst of all results; `away` why the database could
 * not be asked at all, null where it answered.
 */
export type HealthReport = {
  readonly now: number;
  readonly status: Status;
  readonly away: unknown;
  readonly results: readonly CheckResult[];
};

/** The runbooks are named after the alerts that lead to them. */
const RUNBOOKS: Readonly<Record<CheckName, string>> = {
  freshness: "OhlcvDataStale",
  coverage: "OhlcvSymbolsMissing",
  integrity: "OhlcvDatabaseCorruption",
  size: "OhlcvDiskSpaceLow",
  backup: "OhlcvBackupStale",
  activity: "OhlcvScriptErrors",
};
/** Where a check could not look for one of these reasons, whatever it would have found. */
export const RUNBOOK_DATABASE_AWAY = "OhlcvDatabaseUnreachable";
export const RUNBOOK_SETTINGS = RUNBOOKS.activity;
/** Nothing is damaged: the job that should have done the work has failed, or was not run. */
export const RUNBOOK_JOBS = RUNBOOKS.activity;
export const RUNBOOK_DAMAGE = RUNBOOKS.integrity;

const MOST_NAMES = 10;

type Finding = Pick<CheckResult, "status" | "output"> & Partial<CheckResult>;

/** A whole result; of a long list of names ten are kept and the rest is counted. */
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

/** Whether the whole counts as healthy; `isStrict`: a warning does not. What could not be measured never does. */
export function isHealthy({ status }: HealthReport, isStrict: boolean): boolean {
  return status === "pass" || status === "skip" || (status === "warn" && !isStrict);
}
