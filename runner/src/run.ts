import { hostname } from "node:os";
import type { Context } from "./context.ts";
import type { CommandName } from "./contract/commands.ts";
import { EXIT, type ExitCode } from "./contract/exits.ts";
import { VERSION } from "./contract/version.ts";
import type { Database } from "./db/connect.ts";
import {
  beat,
  closeRun,
  type EndedRun,
  type NewRun,
  openRun,
  type RunEnd,
  type RunItem,
  type RunOutcome,
} from "./db/runs.ts";
import { exitCodeOf, messageOf, TryAgain } from "./errors.ts";

/** The result of the work of a run. A run that failed or was stopped has its error, and the items done until then. */
export type RunResult = {
  readonly exitCode: ExitCode;
  /** The error that ended the work early; absent where the work gave an exit code. */
  readonly error?: unknown;
  readonly items?: readonly RunItem[];
  readonly rateLimitHits?: number;
  /** The exit code 1 says what the run found, and not that it failed. */
  readonly hasFindings?: boolean;
  /** Why the exit code is not 0, where no error says so; the ledger keeps it. */
  readonly reason?: string;
};

/** The result of work that `error` ended early. */
export function failedBy(error: unknown): RunResult {
  return { exitCode: exitCodeOf(error), error };
}

/** The result of work on series. */
export type SeriesResult = RunResult & { readonly items: readonly RunItem[] };

/**
 * Runs `work`, which adds to the list what it has done of each series. The result has these items also where `work`
 * throws.
 */
export async function collectItems(work: (items: RunItem[]) => Promise<ExitCode>): Promise<SeriesResult> {
  const items: RunItem[] = [];
  const end = await work(items).then((exitCode): RunResult => ({ exitCode }), failedBy);
  return { ...end, items };
}

/** A command, with its arguments as the ledger shows them. */
type RunRequest = {
  readonly context: Context;
  readonly db: Database;
  readonly command: CommandName;
  readonly args: string;
};

const HEARTBEAT_MS = 15_000;

/**
 * Runs `work` as one execution of a command in the ledger. The row is opened before the work, a heartbeat keeps it
 * alive, and it is closed with items, outcome and exit code whatever happens. An error of the work is thrown again
 * after the row is closed.
 */
export async function withRun(
  { context, db, command, args }: RunRequest,
  work: () => Promise<RunResult>,
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
  const result = await work().catch(failedBy);
  clearInterval(timer);
  const items = (result.items ?? []).map((item) => ({
    ...item,
    error: item.error === null ? null : context.redact(item.error),
  }));
  const facts = describeEnd(context, { ...result, items });
  await closeRun(db, run, { ...facts, items }).catch((failure: unknown) => {
    // the row in the ledger stays "running"; maint closes it when its heartbeat is old
    log.error(
      { "event.name": "run_not_closed" },
      `[RUN] the run could not be closed in the ledger: ${messageOf(failure)}`,
    );
    if (!(failure instanceof TryAgain)) throw failure;
  });
  tellEnd(context, { run, end: facts, ms: performance.now() - startedAt }, items.length);
  return exitCodeOrThrow(result);
}

/** The exit code of the result; throws the error that ended the work early. */
export function exitCodeOrThrow({ exitCode, error }: RunResult): ExitCode {
  if (error !== undefined) throw error;
  return exitCode;
}

/** The run as the ledger shows it from the start of the run on. */
export function describeRun(context: Context, command: CommandName, args: string): NewRun {
  const { runId, deadlineS, origin } = context;
  return { runId, command, args, origin, deadlineS, host: hostname(), pid: process.pid, version: VERSION };
}

/**
 * How a run ended, as the ledger shows it. The text of an error can hold the whole DB_URL, and more people read the
 * ledger than the log. The text is cut after its secrets are removed: half a secret would not be recognised.
 */
export function describeEnd(
  { redact }: Context,
  { exitCode, error, items = [], rateLimitHits = 0, hasFindings = false, reason = "" }: RunResult,
): RunEnd {
  const ofItems = exitCode === EXIT.done ? "" : reasonOfItems(items);
  const why = error === undefined ? reason || ofItems : messageOf(error);
  const summary = why === "" ? null : redact(why).slice(0, 500);
  const isFound = hasFindings && exitCode === EXIT.failed && error === undefined;
  const outcome = isFound ? "findings" : outcomeOf(exitCode, items);
  return { outcome, exitCode, rateLimitHits, error: summary };
}

/** The first error stands for the others, which `runs RUN-ID` lists. */
function reasonOfItems(items: readonly RunItem[]): string {
  const failed = items.filter(({ outcome }) => outcome === "failure" || outcome === "partial");
  const error = failed.find((item) => item.error !== null)?.error ?? null;
  return error === null ? "" : `${failed.length} of ${items.length} series, the first: ${error}`;
}

/** The last line of a run in the log. */
export function tellEnd(
  { log }: Context,
  { run: { command, args }, end: { outcome, exitCode }, ms }: EndedRun,
  series: number,
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
    `[RUN] ${`${command} ${args}`.trim()} ended: ${outcome} (exit ${exitCode})`,
  );
}

function outcomeOf(exitCode: ExitCode, items: readonly RunItem[]): RunOutcome {
  if (exitCode === EXIT.done) return "success";
  if (exitCode === EXIT.deadline) return "timeout";
  if (exitCode === EXIT.terminated) return "aborted";
  return items.some(({ outcome }) => outcome === "success") ? "partial" : "failure";
}
