import { slotOf } from "../candle/interval.ts";
import { type Interval, WIDTH_MS } from "../contract/intervals.ts";
import { listRunGroups } from "../db/health/activity.ts";
import {
  findChecksumFailures,
  listFaultyConstraints,
  listFaultyIndexes,
  listRecent,
  type RecentCandles,
} from "../db/health/integrity.ts";
import { listLastRuns, listRunning } from "../db/health/jobs.ts";
import { listMissingKeys } from "../db/health/keys.ts";
import { listAttachedLeaves, listDetaching, readAges } from "../db/health/leaves.ts";
import { findSize, listRecordCounts } from "../db/health/size.ts";
import { listExpected, scanSeries } from "../db/scan.ts";
import { findPending } from "../db/schema/schema.ts";
import type { Reader } from "../db/session.ts";
import type { Settings } from "../settings/table.ts";
import { judgeActivity } from "./activity.ts";
import { judgeCoverage } from "./coverage.ts";
import { FUTURE_MS, judgeFreshness, type ScanFacts } from "./freshness.ts";
import * as integrity from "./integrity.ts";
import { judgeRunning, judgeRuns } from "./jobs.ts";
import { judgeAges, judgeDetaching, judgeLeaves } from "./leaves.ts";
import { type CheckName, type CheckResult, resultOf } from "./report.ts";
import { judgeRecords, judgeSize } from "./size.ts";

export const HEALTH_SETTINGS = [
  "syncIntervals",
  "symbols",
  "universeSize",
  "freshnessLimits",
  "dbSizeBudgetGb",
] as const;
export type HealthSettings = Pick<Settings, (typeof HEALTH_SETTINGS)[number]>;

/** One question to the database, with its own time limit. `components`: the results that it gives, also if it fails. */
export type Measurement = {
  readonly check: CheckName;
  readonly components: readonly string[];
  readonly isQuick: boolean;
  readonly look: (ask: Ask) => Promise<readonly CheckResult[]>;
};
/** Runs one bounded transaction. A measurement with several transactions has the time limit for each. */
export type Ask = <T>(work: (client: Reader) => Promise<T>) => Promise<T>;

/** All measurements, in the order of the report. */
export function listMeasurements(settings: HealthSettings, now: number): readonly Measurement[] {
  const { symbols, universeSize: size } = settings;
  const intervals = integrity.inOrder(settings.syncIntervals);
  const limits = settings.freshnessLimits;
  let facts: Promise<ScanFacts> | undefined;
  /** Freshness, coverage and gaps share one scan: for 600 symbols the scan reads 3,000 series. */
  const scanOnce = (ask: Ask): Promise<ScanFacts> => {
    facts ??= ask(async (client) => ({
      expected: await listExpected(client, { symbols, size }),
      series: await scanSeries(client, intervals),
    }));
    return facts;
  };
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
        const found = await scanOnce(ask);
        return perInterval((interval) => judgeFreshness(interval, found, limits[interval], now));
      },
    },
    {
      check: "coverage",
      components: intervals,
      isQuick: true,
      look: async (ask) => {
        const found = await scanOnce(ask);
        return perInterval((interval) => judgeCoverage(interval, found, limits[interval], now));
      },
    },
    part("schema", async (client) => integrity.judgeSchema(await findPending(client))),
    part("indexes", async (client) => integrity.judgeIndexes(await listFaultyIndexes(client))),
    part("leaves", async (client) => judgeLeaves(await listAttachedLeaves(client), intervals, now)),
    part("detach", async (client) => judgeDetaching(await listDetaching(client))),
    part("constraints", async (client) =>
      integrity.judgeConstraints([
        ...(await listMissingKeys(client)),
        ...(await listFaultyConstraints(client)),
      ]),
    ),
    part("checksums", async (client) => integrity.judgeChecksums(await findChecksumFailures(client))),
    part("wraparound", async (client) => judgeAges(await readAges(client))),
    {
      check: "integrity",
      components: ["gaps"],
      isQuick: true,
      look: async (ask) => [integrity.judgeGaps((await scanOnce(ask)).series, now)],
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
    {
      check: "activity",
      components: ["runs"],
      isQuick: false,
      look: async (ask) => [judgeRuns(await ask((client) => listLastRuns(client, now)), now)],
    },
    {
      check: "activity",
      components: ["running"],
      isQuick: false,
      look: async (ask) => [judgeRunning(await ask((client) => listRunning(client, now)), now)],
    },
  ];
}
