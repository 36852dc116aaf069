import { MARK, type Status } from "../../status.ts";
import { renderTime } from "../../time.ts";
import type { CheckResult, HealthReport } from "../report.ts";

/** One line for each result, for a person. The status is a mark and a word, not a colour, so that a pipe loses nothing. */
export function renderReport(report: HealthReport): string {
  const { folded, others } = foldErrors(report.results);
  const width = Math.max(...others.map((result) => titleOf(result).length));
  const lines = others.map((result) => {
    const { status } = result;
    return `${MARK[status]} ${status.padEnd(5)}  ${titleOf(result).padEnd(width)}  ${describeResult(result)}${runbookOf(result)}`;
  });
  return [...folded, ...lines, summarize(report), ""].join("\n");
}

/** From this number on one line stands for the results that have the same cause. */
const MANY = 3;

/** The results that were not measured for one cause, as one line for each cause: with each of 30 results it was hard to read. */
function foldErrors(results: readonly CheckResult[]) {
  // the server names the object that one statement missed; the cause before it is the same
  const causeOf = ({ output }: CheckResult) => output.replace(/: (relation|schema|function) .*$/, "");
  const groups = Map.groupBy(
    results.filter(({ status }) => status === "error"),
    causeOf,
  );
  const many = [...groups.values()].filter((group) => group.length >= MANY);
  const folded = many.map((group) => {
    const [first] = group;
    return first === undefined
      ? ""
      : `${MARK.error} error  ${group.length} checks ${first.output}${runbookOf(first)}`;
  });
  return { folded, others: results.filter((result) => !many.some((group) => group.includes(result))) };
}

/** The report as a Markdown table, for an issue or a status page. */
export function renderMarkdown(report: HealthReport): string {
  const rows = report.results.map((result) => {
    const cells = [
      result.check,
      result.component,
      `${MARK[result.status]} ${result.status}`,
      `${describeResult(result)}${runbookOf(result)}`,
    ];
    return `| ${cells.map((cell) => cell.replace(/[\\|]/g, "\\$&").replace(/\s*\n\s*/g, " ")).join(" | ")} |`;
  });
  return [
    `**${summarize(report)}**`,
    "",
    "| check | of | status | found |",
    "|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

function titleOf({ check, component }: CheckResult): string {
  return component === "" ? check : `${check} ${component}`;
}

/** The sentence with the names of what is affected. */
export function describeResult({ output, names, moreNames }: CheckResult): string {
  if (names.length === 0) return output;
  return `${output}: ${names.join(", ")}${moreNames > 0 ? ` and ${moreNames} more` : ""}`;
}

function runbookOf({ status, runbook }: CheckResult): string {
  return status === "fail" || status === "error" ? ` -> ${runbook}` : "";
}

function summarize({ status, results, now }: HealthReport): string {
  const count = (word: Status) => results.filter((result) => result.status === word).length;
  const words = (["pass", "warn", "fail", "error", "skip"] as const).filter((word) => count(word) > 0);
  return `health at ${renderTime(now)}: ${status} (${words.map((word) => `${count(word)} ${word}`).join(", ")})`;
}
