import pLimit from "p-limit";
import type { Database } from "../db/connect.ts";
import { isGeneral, kindOf } from "../db/fault.ts";
import { bounded } from "../db/session.ts";
import { messageOf } from "../errors.ts";
import { worstStatus } from "../status.ts";
import { type Ask, type HealthSettings, listMeasurements, type Measurement } from "./measurements.ts";
import {
  type CheckName,
  type CheckResult,
  type HealthReport,
  RUNBOOK_DAMAGE,
  RUNBOOK_DATABASE_AWAY,
  RUNBOOK_SETTINGS,
  resultOf,
} from "./report.ts";

/** `now` in ms; `isQuick`: what the scan behind each sync sees, and nothing that reads candles. */
export type HealthRequest = {
  readonly checks: readonly CheckName[];
  readonly isQuick: boolean;
  readonly now: number;
  readonly signal: AbortSignal;
};

const LIMIT_MS = 5_000;
/** The pool has three connections, and the heartbeat of the run needs one of them. */
const AT_ONCE = 2;

/**
 * Runs the checks and judges them. Each has its own time, so one that hangs hides none of the others; what could not
 * be measured is an `error`. Rejects only with the reason of the request's signal.
 */
export async function measureHealth(
  db: Database,
  settings: HealthSettings,
  { checks, isQuick, now, signal }: HealthRequest,
  limitMs = LIMIT_MS,
): Promise<HealthReport> {
  const measurements = listMeasurements(settings, now).filter(
    (one) => checks.includes(one.check) && (one.isQuick || !isQuick),
  );
  const ask: Ask = (work) => bounded(db, { limitMs, signal }, work);
  const away = await ask((client) => client.query("select 1")).then(
    () => null,
    (error: unknown) => {
      signal.throwIfAborted();
      return error;
    },
  );
  const enter = pLimit(AT_ONCE);
  const results = await Promise.all(
    measurements.map((one) =>
      enter(async () => {
        if (away !== null) return errorsOf(one, away, runbookOf(away) ?? RUNBOOK_DATABASE_AWAY);
        return one.look(ask).catch((error: unknown) => {
          signal.throwIfAborted();
          return errorsOf(one, error, runbookOf(error));
        });
      }),
    ),
  );
  const all = results.flat();
  return { now, status: worstStatus(all.map(({ status }) => status)), away, results: all };
}

/** Null where the check's own runbook is right, as for a look that took too long. */
function runbookOf(error: unknown): string | null {
  if (isGeneral(error)) return RUNBOOK_DATABASE_AWAY;
  // a right or an object that is missing says nothing about candles or disks, and the server does answer
  if (kindOf(error) === "settings") return RUNBOOK_SETTINGS;
  return kindOf(error) === "damage" ? RUNBOOK_DAMAGE : null;
}

function errorsOf(
  { check, components }: Measurement,
  error: unknown,
  runbook: string | null,
): readonly CheckResult[] {
  const message = messageOf(error).replace(/\s*\n\s*(- )?/g, " ");
  return components.map((component) =>
    resultOf(check, component, {
      status: "error",
      output: `could not be measured: ${message}`,
      ...(runbook === null ? {} : { runbook }),
    }),
  );
}
