import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../contract.ts";
import { type Database, openDatabase } from "../db/connect.ts";
import { recordResults } from "../db/health-results.ts";
import { tryLedger } from "../db/health-session.ts";
import { messageOf, SettingsFault } from "../errors.ts";
import { HEALTH_SETTINGS, measureHealth } from "../health/measure.ts";
import { renderJson } from "../health/render-json.ts";
import { renderProm } from "../health/render-prom.ts";
import { renderMarkdown, renderReport } from "../health/render-text.ts";
import { CHECKS, type CheckName, type HealthReport, isHealthy } from "../health/report.ts";
import { withRun } from "../run.ts";
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
      const wish = { checks, isQuick, now: now ?? Date.now(), signal: context.signal };
      const report = await measureHealth(db, settings, wish);
      context.print(render(report));
      return { report, exitCode: isHealthy(report, options.strict === true) ? EXIT.done : EXIT.failed };
    };
    try {
      const isRecorded = !isQuick && now === undefined;
      const args = checks === CHECKS ? "" : `--only ${checks.join(",")}`;
      const { report, exitCode } = await (isRecorded ? lookRecorded(context, db, args, look) : look());
      if (report.away instanceof SettingsFault) throw report.away;
      return exitCode;
    } finally {
      await db.pool.end();
    }
  },
};

type Look = { readonly report: HealthReport; readonly exitCode: ExitCode };

/** As a run of the ledger with its results, where there is a ledger: health never depends on one. */
async function lookRecorded(
  context: Context,
  db: Database,
  args: string,
  look: () => Promise<Look>,
): Promise<Look> {
  const { runId, log, signal } = context;
  const done: Look[] = [];
  const lookOnce = async (): Promise<ExitCode> => {
    const { report, exitCode } = await look();
    done.push({ report, exitCode });
    await recordResults(db, runId, report.now, report.results).catch((error: unknown) =>
      log.warn(
        { "event.name": "health_not_stored" },
        `[HEALTH] the results are not stored: ${messageOf(error)}`,
      ),
    );
    return exitCode;
  };
  try {
    await tryLedger(db, signal);
    await withRun(context, db, "health", args, lookOnce);
  } catch (error) {
    if (done.length > 0 || signal.aborted) throw error;
    log.warn({ "event.name": "ledger_away" }, `[HEALTH] this run is not in the ledger: ${messageOf(error)}`);
  }
  return done[0] ?? look();
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
