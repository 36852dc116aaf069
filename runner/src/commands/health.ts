import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../contract/exits.ts";
import { closeDatabase, type Database, openDatabase } from "../db/connect.ts";
import { recordHealth } from "../db/health/results.ts";
import { renderArguments } from "../db/runs.ts";
import { exitCodeOf, messageOf, SettingsFault } from "../errors.ts";
import { HEALTH_SETTINGS, measureHealth } from "../health/measure.ts";
import { renderJson } from "../health/render/json.ts";
import { renderProm } from "../health/render/prom.ts";
import { renderMarkdown, renderReport } from "../health/render/text.ts";
import { CHECKS, type CheckName, type HealthReport, isHealthy } from "../health/report.ts";
import { describeEnd, describeRun, tellEnd } from "../run.ts";
import { parseTime } from "../time.ts";
import { type Command, collectFaults, OPTION } from "./command.ts";

const FORMATS = {
  table: renderReport,
  json: renderJson,
  prom: renderProm,
  markdown: renderMarkdown,
} as const;
type Format = keyof typeof FORMATS;

export const health: Command = {
  name: "health",
  examples: ["health", "health --quick", "health --only freshness,coverage --json", "health --format prom"],
  define: (command) =>
    command
      .option("--quick", "only what the scan behind each sync sees: freshness, coverage and open gaps")
      .option("--only <list>", `of ${CHECKS.join(", ")}`)
      .option("--strict", "exit 1 on a warning too")
      .option("--now <time>", "judge as of this moment, and leave the ledger alone")
      .option("--format <format>", `${Object.keys(FORMATS).join(", ")} (default: table)`)
      .option(...OPTION.deadline)
      .option(...OPTION.json),
  async run(context, _args, options) {
    const faults = collectFaults();
    const checks = faults.take("--only", options.only, parseChecks) ?? CHECKS;
    const now = faults.take("--now", options.now, parseTime);
    const format = faults.take("--format", options.format, parseFormat);
    if (options.json === true && format !== undefined && format !== "json")
      faults.note("--json and --format exclude each other");
    if (options.quick === true && options.only !== undefined)
      faults.note("--quick and --only exclude each other");
    const settings = faults.settings(context, ["dbUrl", ...HEALTH_SETTINGS]);
    const isQuick = options.quick === true;
    const render = FORMATS[format ?? (options.json === true ? "json" : "table")];
    const db = openDatabase(settings.dbUrl, "health");
    const look = async (): Promise<Look> => {
      const request = { checks, isQuick, now: now ?? Date.now(), signal: context.signal };
      const report = await measureHealth(db, settings, request);
      context.print(render(report));
      return { report, exitCode: isHealthy(report, options.strict === true) ? EXIT.done : EXIT.failed };
    };
    try {
      const isRecorded = !isQuick && now === undefined;
      const args = renderArguments([], {
        "--only": checks === CHECKS ? null : checks,
        "--strict": options.strict === true,
      });
      const { report, exitCode } = await (isRecorded ? lookRecorded(context, db, args, look) : look());
      if (report.away instanceof SettingsFault) throw report.away;
      return exitCode;
    } finally {
      await closeDatabase(db);
    }
  },
};

type Look = { readonly report: HealthReport; readonly exitCode: ExitCode };

/**
 * As a run of the ledger with its results. It is written when all is told: whoever holds the ledger, and a server that
 * takes no rows, change neither the report nor the exit code. A run that was stopped is written too.
 */
async function lookRecorded(
  context: Context,
  db: Database,
  args: string,
  look: () => Promise<Look>,
): Promise<Look> {
  const startedAt = performance.now();
  const record = async (exitCode: ExitCode, error: unknown, report: HealthReport | null): Promise<void> => {
    const run = describeRun(context, "health", args);
    const end = describeEnd(context, { exitCode, error }, []);
    const ms = performance.now() - startedAt;
    tellEnd(context, run, end, { series: 0, ms });
    try {
      if (report !== null && report.away !== null) throw report.away;
      const results = (report?.results ?? []).map((result) => ({
        ...result,
        output: context.redact(result.output),
        names: result.names.map(context.redact),
      }));
      await recordHealth(db, run, end, ms, { now: report?.now ?? Date.now(), results });
    } catch (failure) {
      context.log.warn(
        { "event.name": "ledger_away" },
        `[HEALTH] this run is not in the ledger: ${messageOf(failure)}`,
      );
    }
  };
  try {
    const done = await look();
    await record(done.exitCode, null, done.report);
    return done;
  } catch (error) {
    await record(exitCodeOf(error), error, null);
    throw error;
  }
}

function parseChecks(text: string): readonly CheckName[] {
  const asked = text.split(",").map((item) => item.trim());
  const unknown = asked.filter((item) => !CHECKS.some((check) => check === item));
  if (unknown.length > 0)
    throw new Error(`must be of ${CHECKS.join(", ")}, not ${JSON.stringify(unknown.join(","))}`);
  return CHECKS.filter((check) => asked.includes(check));
}

function parseFormat(text: string): Format {
  if (Object.hasOwn(FORMATS, text)) return text as Format;
  throw new Error(`must be one of ${Object.keys(FORMATS).join(", ")}, not ${JSON.stringify(text)}`);
}
