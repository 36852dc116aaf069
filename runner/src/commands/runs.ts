import { printable } from "../candle/printable.ts";
import type { Context } from "../context.ts";
import { COMMANDS } from "../contract/commands.ts";
import { EXIT } from "../contract/exits.ts";
import type { Database } from "../db/connect.ts";
import { findRun, type ListedItem, type ListedRun, listRuns } from "../db/run-list.ts";
import { withDatabase } from "../db/with-database.ts";
import { UsageFault } from "../errors.ts";
import { commandLine } from "../program-name.ts";
import { renderTable } from "../render.ts";
import { renderResult } from "../result.ts";
import { oneOf, parseCount } from "../settings/parsers.ts";
import { renderDuration, renderTime } from "../time.ts";
import { type Command, collectFaults, OPTION } from "./command.ts";

const LAST = 20;
const MOST = 10_000;

export const runs: Command = {
  name: "runs",
  examples: ["runs", "runs --failed --last 50", "runs --command sync --json"],
  define: (command) =>
    command
      .argument("[run-id]", "one run, with what it did to each series")
      .option("--failed", "runs that did not do all of their work: partial, failure, timeout, aborted")
      .option("--command <name>", "runs of this command")
      .option("--last <n>", `the newest n runs (default: ${LAST})`)
      .option(...OPTION.json),
  async run(context, [idText], options) {
    const faults = collectFaults();
    const runId = faults.take("RUN-ID", idText === "" ? undefined : idText, parseRunId);
    const command = faults.take("--command", options.command, oneOf(COMMANDS)) ?? null;
    const last = faults.take("--last", options.last, (text) => parseCount(text, MOST)) ?? LAST;
    const isFailed = options.failed === true;
    if (
      runId !== undefined &&
      (isFailed || [options.command, options.last].some((each) => each !== undefined))
    )
      faults.note("--failed, --command and --last narrow the list; RUN-ID names one run");
    const { dbUrl } = faults.settings(context, ["dbUrl"]);
    const asJson = options.json === true;
    return withDatabase(context, { command: "runs", url: dbUrl, waitMs: 0 }, async (db) => {
      if (runId === undefined) print(context, await listRuns(db, { command, isFailed, last }), asJson);
      else await printRun(context, db, { runId, asJson });
      await context.printed();
      return EXIT.done;
    });
  },
};

function parseRunId(text: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return text.toLowerCase();
  throw new Error(`must be the id of a run (runs prints it), not ${JSON.stringify(text)}`);
}

function print(context: Context, found: readonly ListedRun[], asJson: boolean): void {
  if (asJson) context.print(renderResult("runs", { runs: found.map(recordOf) }));
  else context.print(found.length === 0 ? "no such runs\n" : renderRuns(found));
}

/** The command line stands last and whole, so that it can be copied; the error of a run is in the line below. */
function renderRuns(found: readonly ListedRun[]): string {
  const [head = "", ...lines] = renderTable(
    ["started", "outcome", "took", "candles", "by", "command"],
    found.map((run) => [
      renderTime(run.startedAt).slice(0, 19).replace("T", " "),
      run.outcome,
      renderDuration(run.ms),
      run.written,
      run.origin ?? "hand",
      lineOf(run),
    ]),
  ).split("\n");
  const rows = lines.flatMap((line, index) => {
    const run = found[index];
    if (run === undefined) return [line];
    const isPlain = run.error === null && ["success", "running", "findings"].includes(run.outcome);
    return isPlain ? [line] : [line, `  ${run.runId}${run.error === null ? "" : `: ${oneLine(run.error)}`}`];
  });
  return `${[head, ...rows].join("\n")}\n`;
}

function oneLine(text: string): string {
  return printable(text.replace(/\s+/g, " "), 500);
}

/** What repeats the run, under the settings that it had; a deadline is no part of the line. */
function lineOf({ command, args }: ListedRun): string {
  return args === "" ? command : `${command} ${args}`;
}

async function printRun(
  context: Context,
  db: Database,
  { runId, asJson }: { readonly runId: string; readonly asJson: boolean },
): Promise<void> {
  const found = await findRun(db, runId);
  if (found === null)
    throw new UsageFault([`the ledger has no run ${runId}; it keeps runs for 400 days, and runs lists them`]);
  const { run, items } = found;
  if (asJson) {
    context.print(renderResult("runs", { run: { ...recordOf(run), items: items.map(recordOfItem) } }));
    return;
  }
  const facts: readonly (readonly [string, string])[] = [
    ["command", commandLine(lineOf(run))],
    ["started", renderTime(run.startedAt)],
    ["took", `${renderDuration(run.ms)}${run.deadlineS === null ? "" : ` (deadline ${run.deadlineS} s)`}`],
    ["by", run.origin ?? "hand"],
    ["outcome", run.exitCode === null ? run.outcome : `${run.outcome} (exit ${run.exitCode})`],
    ...(run.error === null ? [] : [["error", oneLine(run.error)] as const]),
  ];
  const text = facts.map(([name, value]) => `${name.padEnd(7)}  ${value}`).join("\n");
  context.print(`${text}\n${items.length === 0 ? "" : `\n${renderItems(items)}\n`}`);
}

function recordOfItem({ ms, ...item }: ListedItem): object {
  return { ...item, durationMs: Math.round(ms) };
}

function renderItems(items: readonly ListedItem[]): string {
  return renderTable(
    ["symbol", "interval", "outcome", "pages", "added", "repaired", "revised", "took", "error"],
    items.map((item) => [
      item.symbol ?? "-",
      item.interval,
      item.outcome,
      item.pages,
      item.added,
      item.repaired,
      item.revised,
      `${(item.ms / 1000).toFixed(1)} s`,
      oneLine(item.error ?? ""),
    ]),
  );
}

function recordOf({ args, startedAt, ms, deadlineS, written, ...run }: ListedRun): Record<string, unknown> {
  return {
    ...run,
    arguments: args,
    startedAt: renderTime(startedAt),
    durationMs: Math.round(ms),
    deadlineMs: deadlineS === null ? null : deadlineS * 1000,
    candlesWritten: written,
  };
}
