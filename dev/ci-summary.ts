import { existsSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { ROOT } from "./local/kinds.ts";

/**
 * The last lines of `.ci/run`: each failure with its phase, file, name and first lines, then "N passed, N failed". They stand
 * at the end, since of a long output often only the end is kept. Arguments: for each phase its name, its exit code, and the
 * file with the JSON report of Vitest, which need not be there.
 */

/** What Vitest's JSON report has of a run, as far as the summary reads it. */
interface Report {
  numPassedTests: number;
  numFailedTests: number;
  testResults: {
    /** the file, an absolute path */
    name: string;
    status: string;
    /** why the file itself failed: an import, a hook */
    message: string;
    assertionResults: { fullName: string; status: string; failureMessages: string[] }[];
  }[];
}

interface Phase {
  name: string;
  exitCode: number;
  report: Report | null;
}

const SHOWN_FAILURES = 20;
const SHOWN_LINES = 12;
const SHOWN_CHARACTERS = 300;

function readPhases(args: readonly string[]): Phase[] {
  const phases: Phase[] = [];
  for (let at = 0; at + 2 < args.length; at += 3) {
    const [name = "", exitCode, file = ""] = args.slice(at, at + 3);
    phases.push({ name, exitCode: Number(exitCode), report: readReport(file) });
  }
  return phases;
}

/** Null where the phase runs no tests, or where its process ended before it wrote a whole report. */
function readReport(file: string): Report | null {
  if (!existsSync(file)) return null;
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Report;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** One text for each failed test, each file that failed outside its tests, and each failed phase without one of these. */
function failuresOf({ name, exitCode, report }: Phase): string[] {
  const failures = (report?.testResults ?? []).flatMap((file) => {
    const heading = `${name}: ${relative(ROOT, file.name)}`;
    const tests = file.assertionResults.filter((test) => test.status === "failed");
    const shown = tests.map((test) => shorten(`${heading}: ${test.fullName.trim()}`, test.failureMessages));
    const isOfFile = file.message !== "" || (file.status === "failed" && tests.length === 0);
    return isOfFile ? [shorten(`${heading}: the file, outside its tests`, [file.message]), ...shown] : shown;
  });
  if (failures.length > 0 || exitCode === 0) return failures;
  const why =
    report === null ? "no report of tests" : "no failed test in its report, so an error outside of tests";
  return [`${name}: exit ${exitCode}, ${why}; its output stands above`];
}

/** The first lines of these messages under the heading, without colours and without the stack's lines of packages. */
function shorten(heading: string, messages: readonly string[]): string {
  const lines = stripVTControlCharacters(messages.join("\n"))
    .split("\n")
    .filter((line) => line.trim() !== "" && !/^ +at .*(node_modules|node:internal|<anonymous>)/.test(line));
  const shown = lines.length === 0 ? ["the report has no message; its output stands above"] : lines;
  const indented = shown.slice(0, SHOWN_LINES).map((line) => `    ${line.slice(0, SHOWN_CHARACTERS)}`);
  return [heading, ...indented].join("\n");
}

const phases = readPhases(process.argv.slice(2));
const failures = phases.flatMap(failuresOf);
for (const failure of failures.slice(0, SHOWN_FAILURES)) console.log(`\nfailed: ${failure}`);
if (failures.length > SHOWN_FAILURES) console.log(`\nand ${failures.length - SHOWN_FAILURES} more failures`);
const sum = (key: "numPassedTests" | "numFailedTests") =>
  phases.reduce((total, { report }) => total + (report?.[key] ?? 0), 0);
console.log(`\n${sum("numPassedTests")} passed, ${sum("numFailedTests")} failed`);
