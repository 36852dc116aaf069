import { hostname } from "node:os";
import type { Context } from "./context.ts";
import type { CommandName } from "./contract/commands.ts";
import { EXIT, type ExitCode } from "./contract/exits.ts";
import type { Database } from "./db/connect.ts";
import {
  beat,
  closeRun,
  type NewRun,
  openRun,
  type RunEnd,
  type RunItem,
  type RunOutcome,
} from "./db/runs.ts";
import { exitCodeOf, messageOf, TryAgain } from "./errors.ts";

/** What the work reports to its run as it goes. */
export type RunReport = { readonly items: RunItem[]; rateLimitHits: () => number };

const HEARTBEAT_MS = 15_000;

/**
 * One execution of a command in the ledger: opened before the work, kept alive by a heartbeat, closed with its items,
 * its outcome and its exit code whatever happens. An error of the work comes out again after the row is closed.
 */
export async function withRun(
  context: Context,
  db: Database,
  command: CommandName,
  args: string,
  work: (report: RunReport) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { runId, log } = context;
  const startedAt = performance.now();
  const run = describeRun(context, command, args);
  await openRun(db, run);
  const timer = setInterval(() => {
    beat(db, runId).catch((error: unknown) =>
      log.warn({ err: messageOf(error) }, "[RUN] no heartbeat could be written"),
    );
  }, HEARTBEAT_MS);
  const report: RunReport = { items: [], rateLimitHits: () => 0 };
  let end: { exitCode: ExitCode; error: unknown } = { exitCode: EXIT.failed, error: null };
  try {
    end = { exitCode: await work(report), error: null };
  } catch (error) {
    end = { exitCode: exitCodeOf(error), error };
  } finally {
    clearInterval(timer);
  }
  const items = report.items.map((item) => ({
    ...item,
    error: item.error === null ? null : context.redact(item.error),
  }));
  const facts = { ...describeEnd(context, end, items), rateLimitHits: report.rateLimitHits() };
  await closeRun(db, run, items, facts).catch((failure: unknown) => {
    // the ledger row stays "running"; maint closes it when its heartbeat is old
    log.error(
      { "event.name": "run_not_closed" },
      `[RUN] the run could not be closed in the ledger: ${messageOf(failure)}`,
    );
    if (!(failure instanceof TryAgain)) throw failure;
  });
  tellEnd(context, run, facts, { series: report.items.length, ms: performance.now() - startedAt });
  if (end.error !== null) throw end.error;
  return end.exitCode;
}

/** The run as the ledger has it from its start on. */
export function describeRun(context: Context, command: CommandName, args: string): NewRun {
  const { runId, deadlineS, origin } = context;
  return { runId, command, args, origin, deadlineS, host: hostname(), pid: process.pid, version: VERSION };
}

/**
 * How it ended; `error` null where the work gave its exit code itself. An error text can hold the whole DB_URL, and the
 * ledger is read by more people than the log. What is cut off comes last: half a secret would not be known again.
 */
export function describeEnd(
  { redact }: Context,
  { exitCode, error }: { readonly exitCode: ExitCode; readonly error: unknown },
  items: readonly RunItem[],
): RunEnd {
  const summary = error === null ? null : redact(messageOf(error)).slice(0, 500);
  return { outcome: outcomeOf(exitCode, items), exitCode, rateLimitHits: 0, error: summary };
}

/** The last line of a run in the log. */
export function tellEnd(
  { log }: Context,
  { command, args }: NewRun,
  { outcome, exitCode }: RunEnd,
  { series, ms }: { readonly series: number; readonly ms: number },
): void {
  const level = exitCode === EXIT.done ? "info" : "warn";
  log[level](
    {
      "event.name": "run_finished",
      "event.outcome": outcome,
      "event.duration": Math.round(ms * 1e6),
      exit_code: exitCode,
      series,
    },
    `[RUN] ${command} ${args} ended: ${outcome} (exit ${exitCode})`,
  );
}

/** Version of the package, written into each ledger row. */
const VERSION = "0.1.0";

function outcomeOf(exitCode: ExitCode, items: readonly RunItem[]): RunOutcome {
  if (exitCode === EXIT.done) return "success";
  if (exitCode === EXIT.deadline) return "timeout";
  if (exitCode === EXIT.terminated) return "aborted";
  return items.some(({ outcome }) => outcome === "success") ? "partial" : "failure";
}
