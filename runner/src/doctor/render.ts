import { renderTime } from "../time.ts";
import type { Result } from "./check.ts";

const MARK = { pass: "✓", warn: "!", fail: "✗", skip: "-" } as const;

/** How the whole stands: the worst of all. */
export function worstOf(results: readonly Result[]): "pass" | "warn" | "fail" {
  const has = (status: Result["status"]) => results.some((result) => result.status === status);
  return has("fail") ? "fail" : has("warn") ? "warn" : "pass";
}

/**
 * A block for each check, for a person; those that are passed over for one reason share a line. By words and marks,
 * never by colour, so that it can be piped.
 */
export function renderResults(results: readonly Result[]): string {
  const isShown = ({ status }: Result) => status !== "skip";
  const width = Math.max(...results.filter(isShown).map(({ name }) => name.length));
  const blocks = results.filter(isShown).map(({ name, status, found, remedy }) => {
    const head = `${MARK[status]} ${status}  ${name.padEnd(width)}  ${found}`;
    return remedy === "" ? head : `${head}\n${" ".repeat(width + 10)}-> ${remedy}`;
  });
  const skipped = Map.groupBy(
    results.filter((result) => !isShown(result)),
    ({ found }) => found,
  );
  const passedOver = [...skipped].map(
    ([found, group]) => `${MARK.skip} skip  ${group.map(({ name }) => name).join(", ")}: ${found}`,
  );
  const count = (status: Result["status"]) => results.filter((result) => result.status === status).length;
  const sum = `${count("pass")} passed, ${count("warn")} warned, ${count("fail")} failed, ${count("skip")} skipped`;
  return `${[...blocks, ...passedOver].join("\n")}\n${sum}\n`;
}

/** One object: `status` of the whole, `at` (UTC) and the checks. */
export function renderJson(results: readonly Result[], now: number): string {
  return `${JSON.stringify({ status: worstOf(results), at: renderTime(now), checks: results })}\n`;
}
