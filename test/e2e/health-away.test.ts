import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { expectExit, outputOf } from "../support/candle/series.ts";
import { useDatabase } from "../support/database/database.ts";
import { useEmptyDatabases, whileReadOnly, withSession } from "../support/database/empty-database.ts";
import { lastRun } from "../support/last-run.ts";
import { runRunner, startRunner } from "../support/runner.ts";

const database = useDatabase();
const newEmptyDatabase = useEmptyDatabases();
const PASSWORD = "canary-4711";
const run = (args: string, more: Readonly<Record<string, string>> = {}) =>
  runRunner(args.split(" "), { DB_URL: database.url, SYMBOLS: "BTCUSDT", ...more });
const statusesOf = (stdout: string) =>
  Object.values<{ status: string }[]>(JSON.parse(stdout).checks).flatMap((entries) =>
    entries.map(({ status }) => status),
  );
const withPassword = (url: string) => {
  const changed = new URL(url);
  changed.password = PASSWORD;
  return changed.href;
};

describe("health", () => {
  test("without a database prints that nothing could be measured, and exits 1", async () => {
    const result = await run("health --json", { DB_URL: withPassword("postgresql://r3a@127.0.0.1:1/none") });
    expectExit(result, 1);
    expect(JSON.parse(result.stdout)).toMatchObject({ status: "error", databaseUp: false });
    expect(new Set(statusesOf(result.stdout))).toEqual(new Set(["error"]));
    const entry = JSON.parse(result.stdout).checks["backup:age"][0];
    expect(entry.output).toContain("could not be measured: the database cannot be reached (DB_URL)");
    expect(entry.runbook).toBe("OhlcvDatabaseUnreachable");
    expect(result.stderr).toContain("[HEALTH] this run is not in the ledger");
    expect(outputOf(result)).not.toContain(PASSWORD);
  });

  test("without a database or its schema gives the cause once, in the first line", async () => {
    const away = await run("health", { DB_URL: "postgresql://r3a@127.0.0.1:1/none" });
    expect(away.stdout).toMatch(
      /^. error {2}\d\d checks could not be measured: the database cannot be reached/,
    );
    expect(away.stdout.match(/cannot be reached/g)).toHaveLength(1);
    const empty = await run("health", { DB_URL: await newEmptyDatabase() });
    expect(empty.stdout).toMatch(/^. error {2}\d\d checks could not be measured: .*run migrate/);
    expect(empty.stdout.match(/another program has/g)).toHaveLength(1);
  });

  test("that the database refuses is a wrong setting, and says so in the report too", async () => {
    const result = await run("health --json", { DB_URL: withPassword(database.url) });
    expectExit(result, 78);
    expect(new Set(statusesOf(result.stdout))).toEqual(new Set(["error"]));
    expect(result.stderr).toContain("DB_URL is refused by the database");
    expect(outputOf(result)).not.toContain(PASSWORD);
  });

  test.each([
    ["host=/nowhere", 1, "the database cannot be reached"],
    ["sslmode=verify-full", 78, "the server at 127.0.0.1 offers no TLS: switch it on there (ssl = on)"],
  ])(
    "with ?%s leads to the runbook of a database that is away, not of a full disk",
    async (search, code, says) => {
      const result = await run("health --json", { DB_URL: `${database.url}?${search}` });
      expectExit(result, code);
      const { databaseUp, checks } = JSON.parse(result.stdout);
      expect(databaseUp).toBe(false);
      const entries = Object.values<{ runbook: string; output: string }[]>(checks).flat();
      expect(new Set(entries.map(({ runbook }) => runbook))).toEqual(new Set(["OhlcvDatabaseUnreachable"]));
      expect(entries[0]?.output).toContain(says);
    },
  );

  test("of an empty database is a failure that names what is missing", async () => {
    const result = await run("health");
    expectExit(result, 1);
    expect(result.stdout).toMatch(
      /^✗ fail {3}coverage 1m .*0 of 1 symbols are up to date: BTCUSDT \(nothing stored\)/m,
    );
    expect(result.stdout).toMatch(/^✗ fail {3}activity sync 1d .*no run of sync 1d in the last 27.0 h/m);
  });

  test("of a database that has become read-only is measured all the same", async () => {
    const result = await whileReadOnly(database.url, () => run("health --only integrity"));
    expectExit(result, 0);
    expect(result.stdout).toMatch(/^✓ pass {3}integrity schema/);
    expect(result.stderr).toContain("this run is not in the ledger: the database takes no writes");
  });

  test("ends at once when it is stopped while a check hangs", async () => {
    await withSession(database.url, async (client) => {
      await client.query("begin; lock table r3a.series in access exclusive mode");
      const runner = startRunner(["health"], { DB_URL: database.url, SYMBOLS: "BTCUSDT" });
      const waiting =
        "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
      while ((await database.query(waiting)).length === 0) await sleep(20);
      runner.child.kill("SIGTERM");
      const result = await runner.ended;
      expectExit(result, 143);
      expect(result.stdout).toBe("");
    });
    expect(await lastRun(database)).toMatchObject({ outcome: "aborted" });
  });

  test.each([
    [
      "health --only size,nope --format xml --now today",
      64,
      ["--only must be a list of", "--now must be", "--format must be one of"],
    ],
    [
      "health --json --format prom --quick --only size",
      64,
      ["--json and --format exclude", "--quick and --only exclude"],
    ],
    [
      "health --only constructor --format toString",
      64,
      ["--only must be a list of", "--format must be one of"],
    ],
  ] as const)("%s exits %i with all faults", async (args, code, faults) => {
    const result = await run(args);
    expectExit(result, code);
    for (const fault of faults) expect(result.stderr).toContain(fault);
    expect(result.stdout).toBe("");
  });

  test("with wrong settings exits 78 and measures nothing", async () => {
    const result = await run("health --json", { FRESHNESS_LIMITS: "1m=9/3", DB_SIZE_BUDGET_GB: "0" });
    expectExit(result, 78);
    expect(result.stdout).toBe("");
    expect(result.stderr).toContain("FRESHNESS_LIMITS");
    expect(result.stderr).toContain("DB_SIZE_BUDGET_GB");
  });
});
