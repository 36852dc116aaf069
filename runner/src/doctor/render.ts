import { renderResult } from "../result.ts";
import { MARK, type Status, worstStatus } from "../status.ts";
import { renderTime } from "../time.ts";
import type { Result } from "./check.ts";

/**
 * One block for each check, for a person. Checks that are skipped for the same reason share a line, but a skipped row of a
 * group stands below the group's own row. The text has marks and words, and no colours, so that a pipe loses nothing.
 */
export function renderResults(results: readonly Result[]): string {
  const isPartOf = (part: Result, group: Result) => part.name.startsWith(`${group.name} `);
  const isShown = (result: Result) =>
    result.status !== "skip" || results.some((group) => isPartOf(result, group));
  const width = Math.max(...results.filter(isShown).map(({ name }) => name.length));
  const blocks = results.filter(isShown).map(({ name, status, output, remedy }) => {
    const head = `${MARK[status]} ${status.padEnd(5)}  ${name.padEnd(width)}  ${output}`;
    return remedy === "" ? head : `${head}\n${" ".repeat(width + 11)}-> ${remedy}`;
  });
  const skipped = Map.groupBy(
    results.filter((result) => !isShown(result)),
    ({ output }) => output,
  );
  const passedOver = [...skipped].map(
    ([output, group]) => `${MARK.skip} skip   ${group.map(({ name }) => name).join(", ")}: ${output}`,
  );
  // a group that fails for its rows is no further failure
  const counted = results.filter(
    (group) => !results.some((part) => isPartOf(part, group) && part.status === group.status),
  );
  const count = (status: Status) => counted.filter((result) => result.status === status).length;
  const failed = count("fail") + count("error");
  const sum = `${count("pass")} passed, ${count("warn")} warned, ${failed} failed, ${count("skip")} skipped`;
  return `${[...blocks, ...passedOver].join("\n")}\n${sum}\n`;
}

/** The worst `status`, `at` (UTC) and the checks. */
export function renderJson(results: readonly Result[], now: number): string {
  const status = worstStatus(results.map((result) => result.status));
  return renderResult("doctor", { status, at: renderTime(now), checks: results });
}
