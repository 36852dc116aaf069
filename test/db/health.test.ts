import { describe, expect, test } from "vitest";
import { closeDatabase, openDatabase } from "../../runner/src/db/connect.ts";
import { measureHealth } from "../../runner/src/health/measure.ts";
import { CHECKS, type HealthReport } from "../../runner/src/health/report.ts";
import { HOUR_MS } from "../../runner/src/time.ts";
import {
  badOf,
  deleteCandle,
  END,
  insertCandle,
  NOW,
  resultFor,
  SETTINGS,
  setLastTs,
  useSyncedDatabase,
} from "../support/health/synced-database.ts";

const { database, coinIds, measure, expectBad } = useSyncedDatabase();

test("all is well, and each of the six checks says something", async () => {
  const report = await measure();
  expect(badOf(report), JSON.stringify(report.results, null, 1)).toEqual([]);
  expect([...new Set(report.results.map(({ check }) => check))]).toEqual([...CHECKS]);
  expect(resultFor(report, "backup")?.status).toBe("skip");
  expect(resultFor(report, "integrity candles")?.output).toContain("newest 480 candles of 2 series");
  expect(resultFor(report, "freshness 1h")).toMatchObject({ observed: 600, at: END });
  const [setting] = await database.query<{ data_checksums: string }>("show data_checksums");
  expect(resultFor(report, "integrity checksums")?.status).toBe(
    setting?.data_checksums === "on" ? "pass" : "warn",
  );
});

/** What a role sees that has these rights and no others. */
async function measureAs(rights: string): Promise<HealthReport> {
  await database.query(`create role looks login password 'looks'; ${rights}`);
  const url = new URL(database.url);
  [url.username, url.password] = ["looks", "looks"];
  const db = openDatabase(url.href, "test");
  const request = { checks: CHECKS, isQuick: false, now: NOW, signal: new AbortController().signal };
  const report = await measureHealth(db, SETTINGS, request);
  await closeDatabase(db);
  await database.query("drop owned by looks; drop role looks");
  return report;
}

describe("what its role may not read is no database that is away, damaged or full, and no stale candle", () => {
  const READ = `grant usage on schema r3a, r3a_util to looks; grant select on all tables in schema r3a, r3a_util to looks`;
  const denied = (name: string) => ({
    status: "error",
    output: expect.stringContaining(`permission denied for ${name}; the role is looks; as the owner: grant `),
    runbook: "OhlcvScriptErrors",
  });

  test("a table fails the checks that read it, and no others", async () => {
    const ledger = await measureAs(`${READ}; revoke select on r3a.run from looks`);
    expect(resultFor(ledger, "activity sync 1h")).toMatchObject(denied("table run"));
    expect(resultFor(ledger, "freshness 1h")?.status).toBe("pass");
    const candles = await measureAs(`${READ}; revoke select on r3a.series from looks`);
    for (const title of ["freshness 1h", "coverage 1h", "integrity gaps", "integrity candles"])
      expect(resultFor(candles, title)).toMatchObject(denied("table series"));
    expect(resultFor(candles, "activity sync 1h")?.status).toBe("pass");
  });

  test("a schema fails all that is in it", async () => {
    const report = await measureAs("");
    for (const title of ["freshness 1h", "coverage 1h", "integrity gaps", "integrity candles"])
      expect(resultFor(report, title)).toMatchObject(denied("schema r3a"));
    expect(report.away).toBeNull();
    const errors = report.results.filter(({ status }) => status === "error");
    expect(new Set(errors.map(({ runbook }) => runbook))).toEqual(new Set(["OhlcvScriptErrors"]));
  });

  test("the database itself leaves nothing to measure, and the row says which right is missing", async () => {
    const name = new URL(database.url).pathname.slice(1);
    await database.query(`revoke connect on database ${name} from public`);
    const report = await measureAs("");
    await database.query(`grant connect on database ${name} to public`);
    expect(resultFor(report, "freshness 1h")).toMatchObject({
      ...denied("database"),
      output: expect.stringMatching(
        /permission denied for database .* CONNECT .*: grant connect on database/,
      ),
    });
  });
});

test("a damaged file leads to the runbook of damage, whichever check meets it", async () => {
  const isDamaged = `create function r3a.is_damaged() returns boolean language plpgsql as $$ begin raise exception using errcode = 'XX001', message = 'invalid page in block 3'; end $$`;
  await database.query(`${isDamaged}; alter table r3a.series rename to series_kept;
    create view r3a.series as select * from r3a.series_kept where r3a.is_damaged()`);
  const report = await measure();
  await database.query(
    "drop view r3a.series; alter table r3a.series_kept rename to series; drop function r3a.is_damaged()",
  );
  expect(resultFor(report, "freshness 1h")).toMatchObject({
    status: "error",
    output: expect.stringContaining("stored data is damaged"),
    runbook: "OhlcvDatabaseCorruption",
  });
});

describe("freshness, coverage and activity", () => {
  test("see the symbol that stands still behind a fresh one", async () => {
    const [a, b] = coinIds();
    const report = await expectBad(
      `delete from r3a.ohlcv_partitioned where coin_id = ${a} and "timestamp" >= to_timestamp(${(END - 5 * HOUR_MS) / 1000});
       update r3a.series set covered_to = to_timestamp(${(END - 5 * HOUR_MS) / 1000}) where coin_id = ${a};
       ${setLastTs(a, END - 6 * HOUR_MS)}`,
      `insert into r3a.ohlcv_partitioned select ${a}, t."interval", t."timestamp", open, high, low, close, volume
       from r3a.ohlcv_partitioned t where coin_id = ${b} and "timestamp" >= to_timestamp(${(END - 5 * HOUR_MS) / 1000});
       update r3a.series set covered_to = to_timestamp(${END / 1000}) where coin_id = ${a};
       ${setLastTs(a, END - HOUR_MS)}`,
      ["coverage 1h: fail"],
    );
    expect(resultFor(report, "coverage 1h")?.names).toEqual(["AUSDT (2024-06-20T07:00:00Z)"]);
  });

  test("see a candle of the future, which hides how stale the rest is", async () => {
    const [, b] = coinIds();
    await expectBad(
      `${insertCandle(b, END + 5 * HOUR_MS)}; ${setLastTs(b, END + 5 * HOUR_MS)}`,
      `${deleteCandle(b, END + 5 * HOUR_MS)}; ${setLastTs(b, END - HOUR_MS)}`,
      ["freshness 1h: fail", "coverage 1h: fail", "integrity candles: fail"],
    );
  });

  test("take the members of the universe where no symbols are named, and exclude what is closed", async () => {
    expect(badOf(await measure({ symbols: null }))).toEqual(["freshness 1h: fail", "coverage 1h: fail"]);
    await database.query(
      "insert into r3a.universe_member (size, coin_id, entered_at) select 60, id, '2024-01-01Z' from r3a.coin",
    );
    expect(badOf(await measure({ symbols: null }))).toEqual([]);
    await database.query(
      "update r3a.coin set status = 'BREAK', closed_at = '2024-06-01Z' where symbol = 'AUSDT'",
    );
    const report = await measure({ symbols: null });
    expect(resultFor(report, "coverage 1h")).toMatchObject({
      status: "warn",
      names: ["AUSDT (BREAK since 2024-06-01T00:00:00Z)"],
    });
    await database.query("update r3a.coin set status = 'TRADING', closed_at = null");
  });

  test.each([
    ["outcome = 'running', finished_at = null, deadline_s = 60", "past its deadline of 60 s"],
    ["outcome = 'running', finished_at = null", "its process is gone"],
    ["arguments = '1h --symbols AUSDT'", "no run of sync 1h in the last 2.5 h"],
    ["arguments = '15m'", "no run of sync 1h"],
    ["command = 'backfill'", "no run of sync 1h"],
  ])("see a last run with %s", async (change, says) => {
    const report = await expectBad(
      `update r3a.run set ${change}, heartbeat_at = started_at`,
      `update r3a.run set command = 'sync', arguments = '1h', outcome = 'success', exit_code = 0,
       finished_at = started_at, deadline_s = null`,
      ["activity sync 1h: fail"],
    );
    expect(resultFor(report, "activity sync 1h")?.output).toContain(says);
  });

  test("see the last run of each other job and no run of a person, and every one that is under way", async () => {
    const add = (columns: string, values: string) =>
      `insert into r3a.run (run_id, command, ${columns}) values (gen_random_uuid(), ${values})`;
    const ago = (hours: number) => `to_timestamp(${(NOW - hours * HOUR_MS) / 1000})`;
    const runs = [
      add("started_at, origin, outcome", `'gaps', ${ago(2)}, 'gaps', 'failure'`),
      add("started_at, origin, outcome", `'gaps', ${ago(1)}, 'gaps', 'success'`),
      add("started_at, outcome", `'gaps', ${ago(1)}, 'failure'`),
      add("started_at, origin, outcome, exit_code", `'verify', ${ago(1)}, 'verify', 'findings', 1`),
      add("started_at, origin, outcome", `'verify', ${ago(9 * 24)}, 'verify', 'failure'`),
      add("started_at, origin, outcome", `'health', ${ago(1)}, 'health', 'failure'`),
      add("started_at, heartbeat_at", `'backfill', ${ago(3)}, ${ago(2.5)}`),
    ];
    const report = await expectBad(runs.join("; "), "delete from r3a.run where command <> 'sync'", [
      "activity runs: fail",
      "activity running: fail",
    ]);
    expect(resultFor(report, "activity runs")?.names).toEqual([
      "verify (job verify) ended with findings (exit 1) 60 min ago",
    ]);
    expect(resultFor(report, "activity running")?.names).toEqual(["backfill on ? pid ?, silent for 2.5 h"]);
  });

  test("come from one scan of all series, which freshness, coverage and gaps share", async () => {
    const db = openDatabase(database.url, "test");
    const scans: string[] = [];
    db.pool.on("connect", (client) => {
      const query = client.query.bind(client) as (...words: readonly unknown[]) => unknown;
      const noted = (...words: readonly unknown[]) => {
        if (String(words[0]).includes("r3a.gap_count")) scans.push(String(words[0]));
        return query(...words);
      };
      Object.assign(client, { query: noted });
    });
    const request = { checks: CHECKS, isQuick: false, now: NOW, signal: new AbortController().signal };
    const report = await measureHealth(db, SETTINGS, { ...request, limitMs: 30_000 });
    await db.pool.end();
    expect(badOf(report)).toEqual([]);
    expect(scans).toHaveLength(1);
  });
});
