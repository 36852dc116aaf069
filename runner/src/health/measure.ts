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

/** `now` in ms. `isQuick`: only what the scan after each sync measures; no candle is read. */
export type HealthRequest = {
  readonly checks: readonly CheckName[];
  readonly isQuick: boolean;
  readonly now: number;
  readonly signal: AbortSignal;
  /** The time limit of each measurement. */
  readonly limitMs?: number;
};

const LIMIT_MS = 5_000;
/** The pool has three connections, and the heartbeat of the run needs one connection. */
const AT_ONCE = 2;

/**
 * Runs the checks and judges what they measured. Each check has its own time limit, so a check that hangs hides no other
 * check. A check that could not measure is an `error`. Rejects only with the reason of the request's signal.
 */
export async function measureHealth(
  db: Database,
  settings: HealthSettings,
  { checks, isQuick, now, signal, limitMs = LIMIT_MS }: HealthRequest,
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

/** Null if the check's own runbook is right, for instance if the check took too long. */
function runbookOf(error: unknown): string | null {
  if (isGeneral(error)) return RUNBOOK_DATABASE_AWAY;
  // the server answers, but a right or an object is missing: this says nothing about candles or disks
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
