import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../contract/exits.ts";
import type { Database } from "../db/connect.ts";
import { codeOf } from "../db/fault.ts";
import { recordHealth } from "../db/health/results.ts";
import { INSUFFICIENT_PRIVILEGE } from "../db/sqlstate.ts";
import { messageOf, SettingsFault } from "../errors.ts";
import { describeEnd, describeRun, exitCodeOrThrow, failedBy, type RunResult, tellEnd } from "../run.ts";
import { measureHealth } from "./measure.ts";
import type { HealthSettings } from "./measurements.ts";
import { type CheckName, type HealthReport, isHealthy } from "./report.ts";

/** `args`: the arguments as the ledger stores them. `now` (ms) null: the present. `isStrict`: a warning is a failure too. `print` gets the report. */
export type HealthRunRequest = {
  readonly settings: HealthSettings;
  readonly args: string;
  readonly checks: readonly CheckName[];
  readonly isQuick: boolean;
  readonly now: number | null;
  readonly isStrict: boolean;
  readonly print: (report: HealthReport) => void;
};

type Measured = RunResult & { readonly report: HealthReport | null };

/** Measures and prints. Records the run in the ledger, unless the check is quick or is made as of another moment. */
export async function runHealth(
  context: Context,
  db: Database,
  request: HealthRunRequest,
): Promise<ExitCode> {
  const startedAt = performance.now();
  const measured = await measure(context, db, request).catch(
    (error: unknown): Measured => ({ ...failedBy(error), report: null }),
  );
  if (!request.isQuick && request.now === null) {
    await record(context, db, { args: request.args, measured, ms: performance.now() - startedAt });
  }
  if (measured.report?.away instanceof SettingsFault) throw measured.report.away;
  return exitCodeOrThrow(measured);
}

async function measure(
  { signal }: Context,
  db: Database,
  { settings, checks, isQuick, now, isStrict, print }: HealthRunRequest,
): Promise<Measured> {
  const report = await measureHealth(db, settings, { checks, isQuick, now: now ?? Date.now(), signal });
  print(report);
  return { report, exitCode: isHealthy(report, isStrict) ? EXIT.done : EXIT.failed, hasFindings: true };
}

/**
 * Writes the run with its results into the ledger after the report is printed. So a lock on the ledger, or a server that
 * takes no rows, changes neither the report nor the exit code. A run that was stopped is written too.
 */
async function record(
  context: Context,
  db: Database,
  { args, measured, ms }: { readonly args: string; readonly measured: Measured; readonly ms: number },
): Promise<void> {
  const { report } = measured;
  const run = describeRun(context, "health", args);
  const end = describeEnd(context, measured);
  tellEnd(context, { run, end, ms }, 0);
  try {
    if (report !== null && report.away !== null) throw report.away;
    const results = (report?.results ?? []).map((result) => ({
      ...result,
      output: context.redact(result.output),
      names: result.names.map(context.redact),
    }));
    await recordHealth(db, { run, end, ms }, { now: report?.now ?? Date.now(), results });
  } catch (failure) {
    // the measurements need a reader's rights alone, so for a reader this is no fault
    if (report?.away === null && codeOf(failure) === INSUFFICIENT_PRIVILEGE)
      context.log.info(
        { "event.name": "ledger_closed" },
        "[HEALTH] this run is not in the ledger: the role of DB_URL may only read",
      );
    else
      context.log.warn(
        { "event.name": "ledger_away" },
        `[HEALTH] this run is not in the ledger: ${messageOf(failure)}`,
      );
  }
}
