import { renderArguments } from "../db/runs.ts";
import { withDatabase } from "../db/with-database.ts";
import { runHealth } from "../health/health-run.ts";
import { HEALTH_SETTINGS } from "../health/measurements.ts";
import { renderJson } from "../health/render/json.ts";
import { renderProm } from "../health/render/prom.ts";
import { renderMarkdown, renderReport } from "../health/render/text.ts";
import { CHECKS, type HealthReport } from "../health/report.ts";
import { oneOf } from "../settings/parsers.ts";
import { parseTime } from "../time.ts";
import { type Command, collectFaults, OPTION, parseList } from "./command.ts";

const FORMATS = {
  table: renderReport,
  json: renderJson,
  prom: renderProm,
  markdown: renderMarkdown,
} as const;
const FORMAT_NAMES = Object.keys(FORMATS) as (keyof typeof FORMATS)[];

export const health: Command = {
  name: "health",
  examples: ["health", "health --quick", "health --only freshness,coverage --json", "health --format prom"],
  define: (command) =>
    command
      .option("--quick", "only what the scan behind each sync sees: freshness, coverage and open gaps")
      .option("--only <list>", `of ${CHECKS.join(", ")}`)
      .option("--strict", "exit 1 on a warning too")
      .option("--now <time>", "judge as of this moment, and leave the ledger alone")
      .option("--format <format>", `${FORMAT_NAMES.join(", ")} (default: table)`)
      .option(...OPTION.deadline)
      .option(...OPTION.json),
  async run(context, _args, options) {
    const faults = collectFaults();
    const checks = faults.take("--only", options.only, (text) => parseList(text, CHECKS)) ?? CHECKS;
    const now = faults.take("--now", options.now, parseTime);
    const format = faults.take("--format", options.format, oneOf(FORMAT_NAMES));
    if (options.json === true && format !== undefined && format !== "json")
      faults.note("--json and --format exclude each other");
    if (options.quick === true && options.only !== undefined)
      faults.note("--quick and --only exclude each other");
    const settings = faults.settings(context, ["dbUrl", ...HEALTH_SETTINGS]);
    const render = FORMATS[format ?? (options.json === true ? "json" : "table")];
    const args = renderArguments([], {
      "--only": checks === CHECKS ? null : checks,
      "--strict": options.strict === true,
    });
    const request = {
      settings,
      args,
      checks,
      isQuick: options.quick === true,
      now: now ?? null,
      isStrict: options.strict === true,
      print: (report: HealthReport) => context.print(render(report)),
    };
    return withDatabase(context, { command: "health", url: settings.dbUrl, waitMs: null }, (db) =>
      runHealth(context, db, request),
    );
  },
};
