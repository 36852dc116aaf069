import { slotOf } from "../candle/interval.ts";
import { INTERVALS, type Interval, WIDTH_MS } from "../contract/intervals.ts";
import { TIERS } from "../contract/tiers.ts";
import { listLeftOut } from "../db/backup/left-out.ts";
import { listSuspectGroups } from "../db/backup/suspect-groups.ts";
import { listRunGroups } from "../db/health/activity.ts";
import { findDailyFault, listTierBackups } from "../db/health/backups.ts";
import { readDamage, readHoldOf } from "../db/health/damage.ts";
import { listTierDrills } from "../db/health/drills.ts";
import {
  findChecksumFailures,
  listFaultyConstraints,
  listFaultyIndexes,
  listRecent,
  type RecentCandles,
} from "../db/health/integrity.ts";
import { listLastRuns, listRunning } from "../db/health/jobs.ts";
import { listMissingKeys } from "../db/health/keys.ts";
import { listAttached, listDetaching, readAges } from "../db/health/leaves.ts";
import { findSize, listRecordCounts } from "../db/health/size.ts";
import { listExpected, scanSeries } from "../db/scan.ts";
import { findLoading } from "../db/schema/restore-gate.ts";
import { findPending } from "../db/schema/schema.ts";
import type { Reader } from "../db/session.ts";
import type { Settings } from "../settings/table.ts";
import { judgeActivity } from "./activity.ts";
import { judgeBackups, judgeCollapse, judgeLeftOut, judgeSuspects } from "./backup.ts";
import { judgeCoverage } from "./coverage.ts";
import { judgeDamage, judgeHold } from "./damage.ts";
import { judgeDrills } from "./drill.ts";
import { FUTURE_MS, judgeFreshness, type ScanFacts } from "./freshness.ts";
import * as integrity from "./integrity.ts";
import { judgeRunning, judgeRuns } from "./jobs.ts";
import { judgeAges, judgeDetaching, judgeLeaves } from "./leaves.ts";
import { type CheckName, type CheckResult, MOST_NAMES } from "./report.ts";
import { judgeRecords, judgeSize } from "./size.ts";

export const HEALTH_SETTINGS = [
  "syncIntervals",
  "symbols",
  "universeSize",
  "freshnessLimits",
  "dbSizeBudgetGb",
  "backupHot",
  "backupWarm",
  "backupCold",
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

/** What the measurements are made from; `intervals` from fine to coarse, in whatever order the settings name them. */
type Place = {
  readonly settings: HealthSettings;
  readonly intervals: readonly Interval[];
  readonly now: number;
};

/** All measurements, in the order of the report. */
export function listMeasurements(settings: HealthSettings, now: number): readonly Measurement[] {
  const place = { settings, intervals: INTERVALS.filter((one) => settings.syncIntervals.includes(one)), now };
  const { freshness, coverage, gaps } = createScans(place);
  return [
    freshness,
    coverage,
    ...listCatalogMeasurements(place),
    gaps,
    measureWindow(place),
    ...listSizeMeasurements(place),
    measureBackups(place),
    ...listActivityMeasurements(place),
  ];
}

/** Freshness, coverage and gaps share one scan: for 600 symbols the scan reads 3,000 series. */
function createScans({ settings, intervals, now }: Place) {
  const { symbols, universeSize: size, freshnessLimits } = settings;
  let facts: Promise<ScanFacts> | undefined;
  const scanned = (
    check: CheckName,
    components: readonly string[],
    judge: (facts: ScanFacts) => readonly CheckResult[],
  ): Measurement => ({
    check,
    components,
    isQuick: true,
    look: async (ask) => {
      facts ??= ask(async (client) => {
        const expected = await listExpected(client, { symbols, size });
        const loading = expected.length === 0 ? await findLoading(client) : null;
        return { expected, loading, series: await scanSeries(client, intervals, null) };
      });
      return judge(await facts);
    },
  });
  const each = (judge: typeof judgeFreshness) => (found: ScanFacts) =>
    intervals.map((interval) => judge(interval, found, { limits: freshnessLimits[interval], now }));
  return {
    freshness: scanned("freshness", intervals, each(judgeFreshness)),
    coverage: scanned("coverage", intervals, each(judgeCoverage)),
    gaps: scanned("integrity", ["gaps"], ({ series }) => [integrity.judgeGaps(series, now)]),
  };
}

/** A measurement that gives one result by one transaction. */
function measureOne(
  check: CheckName,
  component: string,
  look: (client: Reader) => Promise<CheckResult>,
): Measurement {
  return { check, components: [component], isQuick: false, look: async (ask) => [await ask(look)] };
}

function listCatalogMeasurements({ intervals, now }: Place): readonly Measurement[] {
  const part = (component: string, look: (client: Reader) => Promise<CheckResult>) =>
    measureOne("integrity", component, look);
  return [
    part("schema", async (client) => {
      // first: without a schema the question for its migrations ends the transaction
      const loading = await findLoading(client);
      return integrity.judgePending(await findPending(client), loading);
    }),
    part("indexes", async (client) => integrity.judgeIndexes(await listFaultyIndexes(client))),
    part("leaves", async (client) => judgeLeaves(await listAttached(client), intervals, now)),
    part("detach", async (client) => judgeDetaching(await listDetaching(client))),
    part("constraints", async (client) =>
      integrity.judgeConstraints([
        ...(await listMissingKeys(client)),
        ...(await listFaultyConstraints(client)),
      ]),
    ),
    part("checksums", async (client) => integrity.judgeChecksums(await findChecksumFailures(client))),
    part("damage", async (client) =>
      judgeDamage({ loading: await findLoading(client), ...(await readDamage(client)) }),
    ),
    part("hold", async (client) => judgeHold(await readHoldOf(client))),
    part("wraparound", async (client) => judgeAges(await readAges(client))),
  ];
}

function measureWindow({ intervals, now }: Place): Measurement {
  return {
    check: "integrity",
    components: integrity.WINDOW_PARTS,
    isQuick: false,
    look: async (ask) => {
      const recent: RecentCandles[] = [];
      for (const interval of intervals) {
        const from = slotOf(interval, now - integrity.WINDOW_CANDLES * WIDTH_MS[interval]);
        const window = { from, latestClose: now + FUTURE_MS };
        recent.push(...(await ask((client) => listRecent(client, interval, window))));
      }
      return integrity.judgeWindow(recent);
    },
  };
}

function listSizeMeasurements({ settings, intervals, now }: Place): readonly Measurement[] {
  return [
    measureOne("size", "database", async (client) =>
      judgeSize(await findSize(client, now), settings.dbSizeBudgetGb, now),
    ),
    {
      check: "size",
      components: intervals,
      isQuick: false,
      look: async (ask) => judgeRecords(await ask(listRecordCounts), intervals),
    },
  ];
}

function measureBackups({ settings, now }: Place): Measurement {
  const { backupHot: hot, backupWarm: warm, backupCold: cold } = settings;
  const addresses = { hot, warm, cold };
  const set = TIERS.filter((tier) => addresses[tier] !== null);
  return {
    check: "backup",
    components: ["", "suspects", "size", "left out", "drill"],
    isQuick: false,
    look: async (ask) => {
      const tiers = await ask(listTierBackups);
      const age = judgeBackups(tiers, set, now);
      if (tiers.length === 0) return [age];
      return [
        age,
        judgeSuspects(await ask((client) => listSuspectGroups(client, MOST_NAMES))),
        judgeCollapse(await ask(findDailyFault)),
        judgeLeftOut(await ask(listLeftOut)),
        judgeDrills(await ask(listTierDrills), now),
      ];
    },
  };
}

function listActivityMeasurements({ settings, intervals, now }: Place): readonly Measurement[] {
  const { freshnessLimits } = settings;
  return [
    {
      check: "activity",
      components: intervals.map((interval) => `sync ${interval}`),
      isQuick: false,
      look: async (ask) => {
        const since = intervals.map((interval) => ({
          interval,
          from: now - freshnessLimits[interval].error,
        }));
        const groups = await ask((client) => listRunGroups(client, since, now));
        return intervals.map((interval) => {
          const own = groups.filter((group) => group.interval === interval);
          return judgeActivity(interval, own, { limits: freshnessLimits[interval], now });
        });
      },
    },
    measureOne("activity", "runs", async (client) => judgeRuns(await listLastRuns(client, now), now)),
    measureOne("activity", "running", async (client) => judgeRunning(await listRunning(client, now), now)),
  ];
}
