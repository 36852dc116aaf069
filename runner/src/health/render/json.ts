import { renderTime } from "../../time.ts";
import { CHECKS, type CheckName, type HealthReport } from "../report.ts";

/** Raised when a name changes its meaning or goes away; a new name does not raise it. */
const VERSION = "1";

/** What is measured, as the second half of a key of `checks`. */
const MEASURE: Readonly<Record<CheckName, string>> = {
  freshness: "age",
  coverage: "symbols",
  integrity: "faults",
  size: "stored",
  backup: "age",
  activity: "age",
};

/** One object in the names of the health check draft for HTTP APIs (inadarei), with criteria, names and runbook added. */
export function renderJson(report: HealthReport): string {
  const time = renderTime(report.now);
  const checks = CHECKS.flatMap((check) => {
    const results = report.results.filter((result) => result.check === check);
    if (results.length === 0) return [];
    const entries = results.map((result) => ({
      componentId: result.component,
      status: result.status,
      observedValue: result.observed,
      observedUnit: result.unit,
      observedTime: result.at === null ? null : renderTime(result.at),
      criteria: result.criteria,
      time,
      output: result.output,
      names: result.names,
      moreNames: result.moreNames,
      runbook: result.runbook,
    }));
    return [[`${check}:${MEASURE[check]}`, entries] as const];
  });
  const { status, away } = report;
  return `${JSON.stringify({ version: VERSION, status, time, databaseUp: away === null, checks: Object.fromEntries(checks) })}\n`;
}
