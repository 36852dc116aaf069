import { renderResult } from "../../result.ts";
import { renderTime } from "../../time.ts";
import { CHECKS, type CheckName, type HealthReport } from "../report.ts";

/** The second half of each key in `checks`: the measure. */
const MEASURE: Readonly<Record<CheckName, string>> = {
  freshness: "age",
  coverage: "symbols",
  integrity: "faults",
  size: "stored",
  backup: "age",
  activity: "age",
};

/** The result with the names of the health check draft for HTTP APIs (inadarei), and with criteria, names and runbook. */
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
  return renderResult("health", {
    status,
    time,
    databaseUp: away === null,
    checks: Object.fromEntries(checks),
  });
}
