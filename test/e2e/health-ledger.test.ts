import { expect, test } from "vitest";
import { openDatabase } from "../../runner/src/db/connect.ts";
import { diagnose } from "../../runner/src/doctor/diagnose.ts";
import { expectExit } from "../support/candle/series.ts";
import { withSession } from "../support/database/empty-database.ts";
import { useOwnServer } from "../support/database/own-server.ts";
import { type RunResult, runRunner, startRunner } from "../support/runner.ts";

const server = useOwnServer();
const health = (url = server.url): Promise<RunResult> =>
  runRunner(["health", "--only", "integrity,size", "--json"], { DB_URL: url, LOG_LEVEL: "info" });
const listRuns = () =>
  server.query("select outcome, exit_code from r3a.run where command = 'health' order by started_at");
const setStandbys = async (names: string) => {
  await server.query(`alter system set synchronous_standby_names = '${names}'`);
  await server.query("select pg_reload_conf()");
  await expect
    .poll(() => server.query("show synchronous_standby_names"))
    .toEqual([{ synchronous_standby_names: names }]);
};

/** The report is whole, and the time is that of the checks and of one bounded write. */
function expectTold(run: RunResult): void {
  expectExit(run, 0);
  expect(JSON.parse(run.stdout)).toMatchObject({
    databaseUp: true,
    checks: { "size:stored": [{}, {}, {}, {}, {}, {}] },
  });
  expect(run.ms).toBeLessThan(15_000);
}

test("a standby that never confirms keeps neither the report nor its row back; doctor says who waits for it", async () => {
  await setStandbys("nobody");
  try {
    const run = await health();
    expectTold(run);
    expect(run.stderr).not.toContain("not in the ledger");
    await withSession(server.url, async (client) => {
      client.on("error", () => {});
      await client.query("set application_name = 'writer'");
      const writing = client.query("update r3a.job_counter set n = n").catch(() => {});
      const signal = new AbortController().signal;
      await expect
        .poll(
          async () =>
            (await diagnose({ env: { DB_URL: server.url }, namespace: null, signal }, ["blocked"]))[0],
          { timeout: 20_000 },
        )
        .toMatchObject({
          status: expect.stringMatching(/warn|fail/),
          output: expect.stringMatching(/writer \(pid \d+\) waits .* for a standby to confirm its commit/),
          remedy: expect.stringContaining("synchronous_standby_names"),
        });
      await setStandbys("");
      await writing;
    });
  } finally {
    await setStandbys("");
  }
  expect(await listRuns()).toEqual([{ outcome: "success", exit_code: 0 }]);
});

test("a session that holds the row of the counter is not waited for", async () => {
  const before = await listRuns();
  const run = await withSession(server.url, async (client) => {
    await client.query("begin; select from r3a.job_counter where command = 'health' for update");
    return health();
  });
  expectTold(run);
  expect(run.stderr).toContain(
    "this run is not in the ledger: no answer within 2 s; somebody may hold a lock",
  );
  expect(await listRuns()).toEqual(before);
});

test("a reader who has gone changes neither the exit code nor the row", async () => {
  const { child, ended } = startRunner(["health", "--json"], { DB_URL: server.url, SYMBOLS: "BTCUSDT" });
  child.stdout?.destroy();
  expectExit(await ended, 1);
  expect((await listRuns()).at(-1)).toEqual({ outcome: "findings", exit_code: 1 });
});

test("a URL without its password is a wrong setting at once, whoever connects first", async () => {
  const url = new URL(server.url);
  url.password = "";
  for (const args of ["health", "refresh-lastts", "vacuum", "sync 1m --symbols BTCUSDT", "migrate"]) {
    const run = await runRunner(args.split(" "), { DB_URL: url.href, HOME: "/nowhere" });
    expectExit(run, 78);
    expect(run.stderr).toContain("it asks for a password, and DB_URL has none");
    expect(run.ms).toBeLessThan(15_000);
  }
  const db = openDatabase(url.href, "test");
  await expect(db.pool.connect()).rejects.toThrow(/SASL/);
  await db.pool.end();
  const [row] = await server.query<{ n: number }>(
    "select count(*)::int as n from pg_stat_activity where state is null and backend_type = 'client backend'",
  );
  expect(row?.n).toBe(0);
});
