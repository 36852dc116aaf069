import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Database, openDatabase } from "../../runner/src/db/connect.ts";
import { bounded } from "../../runner/src/db/session.ts";
import { Stopped } from "../../runner/src/errors.ts";
import { measureHealth } from "../../runner/src/health/measure.ts";
import type { HealthSettings } from "../../runner/src/health/measurements.ts";
import { CHECKS, type HealthReport } from "../../runner/src/health/report.ts";
import { parseSettings } from "../../runner/src/settings/parse.ts";
import { useDatabase } from "../support/database/database.ts";
import { useEmptyDatabases, withSession } from "../support/database/empty-database.ts";

const database = useDatabase();
const emptyDatabase = useEmptyDatabases();
const SETTINGS: HealthSettings = {
  syncIntervals: ["1h", "1d"],
  symbols: ["AUSDT"],
  universeSize: 60,
  ...parseSettings({}, ["freshnessLimits"]),
  dbSizeBudgetGb: 1,
  backupHot: null,
  backupWarm: null,
  backupCold: null,
};
const never = new AbortController().signal;
/** So long may each check take, so also one that waits for nothing on a machine with other work. */
const OTHERS_MS = 3_000;

let db: Database;
beforeAll(() => {
  db = openDatabase(database.url, "test");
});
afterAll(async () => {
  await db.pool.end();
});

const measure = (of: Database, limitMs: number, signal = never): Promise<HealthReport> =>
  measureHealth(of, SETTINGS, { checks: CHECKS, isQuick: false, now: Date.now(), signal, limitMs });
const errorsOf = ({ results }: HealthReport) =>
  results.flatMap(({ check, component, status }) => (status === "error" ? [`${check} ${component}`] : []));

/** Runs `work` while another session holds the tables as ALTER TABLE would. */
const whileLocked = <T>(tables: string, work: () => Promise<T>): Promise<T> =>
  withSession(database.url, async (client) => {
    await client.query(`begin; lock table ${tables} in access exclusive mode`);
    return work();
  });

test("a check that waits for a lock hides none of the others", async () => {
  const report = await whileLocked("r3a.run", () => measure(db, OTHERS_MS));
  expect(errorsOf(report)).toEqual(
    ["sync 1h", "sync 1d", "runs", "running"].map((component) => `activity ${component}`),
  );
  const [activity] = report.results.filter(({ check }) => check === "activity");
  expect(activity?.output).toContain("could not be measured: no answer within 3 s; somebody may hold a lock");
  expect(activity?.runbook).toBe("OhlcvScriptErrors");
  const leaves = await whileLocked("r3a.ohlcv_partitioned", () => measure(db, OTHERS_MS));
  expect(errorsOf(leaves)).toEqual(
    ["candles", "alignment", "slots", "last-timestamps"].map((part) => `integrity ${part}`),
  );
  expect(errorsOf(await measure(db, 20_000))).toEqual([]);
});

test("if all checks hang, each result says so", async () => {
  const tables = "r3a.run, r3a.series, r3a.coin, r3a.migration, r3a.ohlcv_partitioned, r3a.health_result";
  const report = await whileLocked(tables, () => measure(db, OTHERS_MS));
  const alive = [
    ...["indexes", "leaves", "detach", "constraints", "checksums", "damage", "hold", "wraparound"].map(
      (part) => `integrity ${part}`,
    ),
    "backup ",
  ];
  expect(
    report.results
      .filter(({ status }) => status !== "error")
      .map(({ check, component }) => `${check} ${component}`),
  ).toEqual(alive);
});

test("a server that does not notice its own limit is not waited for", async () => {
  let frozen = 0;
  const answer = bounded(db, { limitMs: 300, signal: never }, async (client) => {
    const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
    frozen = rows[0]?.pid ?? 0;
    process.kill(frozen, "SIGSTOP");
    await client.query("select 1");
  });
  await expect(answer).rejects.toThrow("no answer within 0 s");
  process.kill(frozen, "SIGCONT");
});

test("a stop ends the statement that is under way, here and in the server", async () => {
  const stop = new AbortController();
  const report = whileLocked("r3a.run", async () => {
    const measured = measure(db, 60_000, stop.signal);
    const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    while ((await database.query(waiting)).length === 0) await sleep(20);
    stop.abort(new Stopped("stopped", 143));
    await measured.catch(() => {});
    // the lock is still held, so only the end of its client can have ended the waiting statement
    while ((await database.query(waiting)).length > 0) await sleep(20);
    return measured;
  });
  await expect(report).rejects.toBeInstanceOf(Stopped);
});

test("a server that cannot be reached and one without the schema are errors, not passes", async () => {
  const away = openDatabase("postgresql://r3a@127.0.0.1:1/none", "test");
  const report = await measure(away, 1_000);
  await away.pool.end();
  expect([report.status, report.away]).toEqual(["error", expect.any(Error)]);
  expect(new Set(report.results.map(({ status }) => status))).toEqual(new Set(["error"]));
  expect(new Set(report.results.map(({ runbook }) => runbook))).toEqual(
    new Set(["OhlcvDatabaseUnreachable"]),
  );
  const empty = openDatabase(await emptyDatabase(), "test");
  const without = await measure(empty, 20_000);
  await empty.pool.end();
  const stateOf = (title: string) =>
    without.results.find(({ check, component }) => `${check} ${component}` === title)?.status;
  expect([stateOf("integrity schema"), stateOf("freshness 1h"), stateOf("size database")]).toEqual([
    "fail",
    "error",
    "error",
  ]);
});
