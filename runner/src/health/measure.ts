import pLimit from "p-limit";
import { slotOf } from "../candle/interval.ts";
import { type Interval, WIDTH_MS } from "../contract/intervals.ts";
import type { Database } from "../db/connect.ts";
import { isGeneral, kindOf } from "../db/fault.ts";
import { listRunGroups } from "../db/health/activity.ts";
import {
  findChecksumFailures,
  listFaultyConstraints,
  listFaultyIndexes,
  listRecent,
  type RecentCandles,
} from "../db/health/integrity.ts";
import { findSize, listRecordCounts } from "../db/health/size.ts";
import { listExpected, scanSeries } from "../db/scan.ts";
import { findPending } from "../db/schema/schema.ts";
import { bounded, type Reader } from "../db/session.ts";
import { messageOf } from "../errors.ts";
import type { Settings } from "../settings/table.ts";
import { judgeActivity } from "./activity.ts";
import { judgeCoverage } from "./coverage.ts";
import { FUTURE_MS, judgeFreshness } from "./freshness.ts";
import * as integrity from "./integrity.ts";
import {
  type CheckName,
  type CheckResult,
  type HealthReport,
  RUNBOOK_DAMAGE,
  RUNBOOK_DATABASE_AWAY,
  RUNBOOK_SETTINGS,
  resultOf,
  worstOf,
} from "./report.ts";
import { judgeRecords, judgeSize } from "./size.ts";

export const HEALTH_SETTINGS = [
  "syncIntervals",
  "symbols",
  "universeSize",
  "freshnessLimits",
  "dbSizeBudgetGb",
] as const;
export type HealthSettings = Pick<Settings, (typeof HEALTH_SETTINGS)[number]>;

/** `now` in ms; `isQuick`: what the scan behind each sync sees, and nothing that reads candles. */
export type HealthRequest = {
  readonly checks: readonly CheckName[];
  readonly isQuick: boolean;
  readonly now: number;
  readonly signal: AbortSignal;
};

/** One look at the database, with its own time; `components` is what it answers for, also when it cannot answer. */
type Measurement = {
  readonly check: CheckName;
  readonly components: readonly string[];
  readonly isQuick: boolean;
  readonly look: (ask: Ask) => Promise<readonly CheckResult[]>;
};
/** One bounded transaction; a look that needs several has that time for each. */
type Ask = <T>(work: (client: Reader) => Promise<T>) => Promise<T>;

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
  return { now, status: worstOf(all.map(({ status }) => status)), away, results: all };
}

/** Every look, in the order of the report. */
function listMeasurements(settings: HealthSettings, now: number): readonly Measurement[] {
  const { symbols, universeSize: size } = settings;
  const intervals = integrity.inOrder(settings.syncIntervals);
  const limits = settings.freshnessLimits;
  const scan = async (client: Reader) => ({
    expected: await listExpected(client, { symbols, size }),
    series: await scanSeries(client, intervals),
  });
  const perInterval = (judge: (interval: Interval) => CheckResult) => intervals.map(judge);
  const part = (component: string, look: (client: Reader) => Promise<CheckResult>): Measurement => ({
    check: "integrity",
    components: [component],
    isQuick: false,
    look: async (ask) => [await ask(look)],
  });
  return [
    {
      check: "freshness",
      components: intervals,
      isQuick: true,
      look: async (ask) => {
        const facts = await ask(scan);
        return perInterval((interval) => judgeFreshness(interval, facts, limits[interval], now));
      },
    },
    {
      check: "coverage",
      components: intervals,
      isQuick: true,
      look: async (ask) => {
        const facts = await ask(scan);
        return perInterval((interval) => judgeCoverage(interval, facts, limits[interval], now));
      },
    },
    part("schema", async (client) => integrity.judgeSchema(await findPending(client))),
    part("indexes", async (client) => integrity.judgeIndexes(await listFaultyIndexes(client))),
    part("constraints", async (client) => integrity.judgeConstraints(await listFaultyConstraints(client))),
    part("checksums", async (client) => integrity.judgeChecksums(await findChecksumFailures(client))),
    {
      ...part("gaps", async (client) => integrity.judgeGaps(await scanSeries(client, intervals), now)),
      isQuick: true,
    },
    {
      check: "integrity",
      components: integrity.WINDOW_PARTS,
      isQuick: false,
      look: async (ask) => {
        const recent: RecentCandles[] = [];
        for (const interval of intervals) {
          const from = slotOf(interval, now - integrity.WINDOW_CANDLES * WIDTH_MS[interval]);
          recent.push(...(await ask((client) => listRecent(client, interval, from, now + FUTURE_MS))));
        }
        return integrity.judgeWindow(recent);
      },
    },
    {
      check: "size",
      components: ["database"],
      isQuick: false,
      look: async (ask) => {
        const size = await ask((client) => findSize(client, now));
        return [judgeSize(size, settings.dbSizeBudgetGb, now)];
      },
    },
    {
      check: "size",
      components: intervals,
      isQuick: false,
      look: async (ask) => judgeRecords(await ask(listRecordCounts), intervals),
    },
    {
      check: "backup",
      components: [""],
      isQuick: false,
      look: async () => [
        resultOf("backup", "", {
          status: "skip",
          unit: "s",
          output: "no backups are set up, so none is checked",
        }),
      ],
    },
    {
      check: "activity",
      components: intervals.map((interval) => `sync ${interval}`),
      isQuick: false,
      look: async (ask) => {
        const since = intervals.map((interval) => ({ interval, from: now - limits[interval].error }));
        const groups = await ask((client) => listRunGroups(client, since, now));
        return perInterval((interval) =>
          judgeActivity(
            interval,
            groups.filter((group) => group.interval === interval),
            limits[interval],
            now,
          ),
        );
      },
    },
  ];
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
