import { afterAll, beforeAll, expect } from "vitest";
import { type Database, openDatabase } from "../../../runner/src/db/connect.ts";
import { ensureLeaf } from "../../../runner/src/db/leaves.ts";
import { storePages } from "../../../runner/src/db/store.ts";
import { type HealthRequest, measureHealth } from "../../../runner/src/health/measure.ts";
import type { HealthSettings } from "../../../runner/src/health/measurements.ts";
import { CHECKS, type CheckResult, type HealthReport } from "../../../runner/src/health/report.ts";
import { leafAt } from "../../../runner/src/partition/layout.ts";
import { parseSettings } from "../../../runner/src/settings/parse.ts";
import { HOUR_MS, MINUTE_MS } from "../../../runner/src/time.ts";
import { addTestCoins, makeCandles, makePage } from "../candle/candle-rows.ts";
import { type UsedDatabase, useDatabase } from "../database/database.ts";

export const NOW = Date.parse("2024-06-20T12:10:00Z");
/** Close of the newest candle. */
export const END = NOW - 10 * MINUTE_MS;
export const LEAF = "r3a.ohlcv_1h_2024";
/** maint makes the leaf of the next period ahead. */
const NEXT_YEAR = Date.UTC(2025, 0);
const SYMBOLS = ["AUSDT", "BUSDT"] as const;
export const SETTINGS: HealthSettings = {
  syncIntervals: ["1h"],
  symbols: SYMBOLS,
  universeSize: 60,
  ...parseSettings({}, ["freshnessLimits"]),
  dbSizeBudgetGb: null,
  backupHot: null,
  backupWarm: null,
  backupCold: null,
};

/** Two symbols of 1h that were synced a moment before NOW: health finds nothing wrong until a test damages something. */
export type SyncedDatabase = {
  readonly database: UsedDatabase;
  /** Ids of the two coins. */
  coinIds(): readonly [a: number, b: number];
  measure(settings?: Partial<HealthSettings>, request?: Partial<HealthRequest>): Promise<HealthReport>;
  /** Damages, measures, and mends: exactly `bad` is not well in between, and nothing after it. */
  expectBad(
    damage: string,
    mend: string,
    bad: readonly string[],
    measureBad?: () => Promise<HealthReport>,
  ): Promise<HealthReport>;
};

export function useSyncedDatabase(): SyncedDatabase {
  const database = useDatabase();
  let opened: { readonly db: Database; readonly ids: readonly [number, number] } | undefined;
  const open = () => {
    if (opened === undefined) throw new Error("the database exists from beforeAll to afterAll");
    return opened;
  };
  beforeAll(async () => {
    const db = openDatabase(database.url, "test");
    const [a = 0, b = 0] = await addTestCoins(database, SYMBOLS);
    opened = { db, ids: [a, b] };
    for (const ms of [NOW, NEXT_YEAR]) await ensureLeaf(db, leafAt("1h", ms));
    const span = { from: END - 300 * HOUR_MS, to: END };
    const candles = makeCandles("1h", span.from, 300);
    for (const id of [a, b])
      await storePages(db, [makePage(id, candles, { interval: "1h", covered: span })], { runId: null });
    await database.query(
      `insert into r3a.run (run_id, command, arguments, origin, started_at, finished_at, outcome, exit_code)
       values (gen_random_uuid(), 'sync', '1h', 'sync-1h', $1, $1, 'success', 0)`,
      [new Date(END)],
    );
    // the counts of a session that goes on reach the statistics late
    await database.query(`analyze ${LEAF}`);
  });
  afterAll(async () => {
    await opened?.db.pool.end();
  });
  const measure: SyncedDatabase["measure"] = (settings = {}, request = {}) => {
    const all = { checks: CHECKS, isQuick: false, now: NOW, signal: new AbortController().signal };
    return measureHealth(open().db, { ...SETTINGS, ...settings }, { ...all, ...request, limitMs: 30_000 });
  };
  return {
    database,
    coinIds: () => open().ids,
    measure,
    async expectBad(damage, mend, bad, measureBad = measure) {
      await database.query(damage);
      try {
        const report = await measureBad();
        expect(badOf(report).toSorted(), JSON.stringify(report.results, null, 1)).toEqual(bad.toSorted());
        return report;
      } finally {
        await database.query(mend);
        expect(badOf(await measure())).toEqual([]);
      }
    },
  };
}

/** What is not well, but for checksums, which the server was made with or without. */
export function badOf({ results }: HealthReport): readonly string[] {
  return results.flatMap(({ check, component, status }) =>
    status === "pass" || status === "skip" || component === "checksums"
      ? []
      : [`${check} ${component}: ${status}`],
  );
}

/** The result of `check component`. */
export function resultFor({ results }: HealthReport, title: string): CheckResult | undefined {
  return results.find(({ check, component }) => `${check} ${component}`.trim() === title);
}

/** SQL that changes one candle, or a last timestamp; times in ms. */
export const insertCandle = (coinId: number, at: number) =>
  `insert into r3a.ohlcv_partitioned (coin_id, "interval", "timestamp", open, high, low, close, volume)
   values (${coinId}, '1h', to_timestamp(${at / 1000}), 100, 101, 99, 100, 1)`;
const where = (coinId: number, at: number) =>
  `where coin_id = ${coinId} and "interval" = '1h' and "timestamp" = to_timestamp(${at / 1000})`;
export const deleteCandle = (coinId: number, at: number) =>
  `delete from r3a.ohlcv_partitioned ${where(coinId, at)}`;
export const updateCandle = (
  coinId: number,
  at: number,
  set = `low = 99, high = 2000, open = 100, close = 100, volume = 1, flags = null, quote_volume = null, trades = null,
         taker_base = null, close_time = null`,
) => `update r3a.ohlcv_partitioned set ${set} ${where(coinId, at)}`;
/** SQL that logs one slot as a gap; `due`: when it is to be asked for again. */
export const insertGap = (
  coinId: number,
  at: number,
  { state = "open", due }: { readonly state?: string; readonly due?: number } = {},
) => `
  insert into r3a.ohlcv_gap_log (id, coin_id, "interval", from_ts, to_ts, state, reason, next_check_at)
  values (gen_random_uuid(), ${coinId}, '1h', to_timestamp(${at / 1000}), to_timestamp(${(at + HOUR_MS) / 1000}), '${state}',
          'absent', ${due === undefined ? "null" : `to_timestamp(${due / 1000})`})`;
export const setLastTs = (coinId: number, ms: number) =>
  `update r3a_util.last_ts_by_coin_interval set last_ts = to_timestamp(${ms / 1000}) where coin_id = ${coinId}`;
