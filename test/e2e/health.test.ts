import { beforeAll, describe, expect, test } from "vitest";
import { DAY, expectExit, HOUR, iso } from "../support/candle/series.ts";
import { parseProm } from "../support/health/prom-text.ts";
import { useWorld } from "../support/world.ts";

const SYMBOLS = ["BTCUSDT", "ETHUSDT", "SOLUSDT"];
const INTERVALS = ["1m", "15m", "1h", "4h", "1d"];
const world = useWorld({ weightLimit: null });
const env = (more: Readonly<Record<string, string>> = {}) => ({
  SYMBOLS: SYMBOLS.join(","),
  FALLBACK_START: iso(Date.now() - 2 * DAY).slice(0, 10),
  LOG_LEVEL: "warn",
  ...more,
});
const listRuns = () =>
  world.database.query<{ run_id: string }>(
    "select run_id, arguments, outcome, exit_code from r3a.run where command = 'health' order by started_at",
  );

beforeAll(async () => {
  for (const interval of INTERVALS) expectExit(await world.run(`sync ${interval}`, env()), 0);
}, 120_000);

describe("a database that was just synced", () => {
  test("is healthy, and the run with all it saw is in the ledger", async () => {
    const run = await world.run("health --json", env());
    expectExit(run, 0);
    expect(run.stderr).toBe("");
    const report = JSON.parse(run.stdout);
    const results = Object.values<{ status: string }[]>(report.checks).flat();
    // a server without checksums warns
    const allowed = new Set(["pass", "skip", "warn"]);
    expect(results.filter(({ status }) => !allowed.has(status))).toEqual([]);
    expect(report.checks["coverage:symbols"]).toHaveLength(5);
    expect(await listRuns()).toMatchObject([{ arguments: "", outcome: "success", exit_code: 0 }]);
    const stored = await world.database.query(
      `select check_name, component, status, observed, unit, criteria, output, names from r3a.health_result
       join r3a.run using (run_id) where checked_at between started_at - interval '1 minute' and finished_at`,
    );
    expect(stored).toHaveLength(results.length);
    expect(stored).toContainEqual({
      check_name: "coverage",
      component: "1d",
      status: "pass",
      observed: 3,
      unit: "symbols",
      criteria: { expected: 3, seconds: 97_200 },
      output: "3 of 3 symbols are up to date",
      names: [],
    });
    const counted = "select n::int from r3a.job_counter where command = 'health' and outcome = 'success'";
    expect(await world.database.query(counted)).toEqual([{ n: 1 }]);
  });

  test("is shown as a table, as Markdown and as metrics, and nothing else is on stdout", async () => {
    const table = await world.run("health", env());
    expect(table.stdout).toMatch(/^✓ pass {3}freshness 1m +the newest candle closed .*\n/);
    expect(table.stdout.trimEnd().split("\n").at(-1)).toMatch(/^health at .*: (pass|warn) \(/);
    const prom = await world.run("health --format prom", env());
    const metrics = parseProm(prom.stdout);
    expect(metrics.get('ohlcv_symbols_succeeded{interval="1m"}')).toBe(3);
    expect(metrics.get('ohlcv_db_records{interval="1m"}')).toBeGreaterThan(3 * 1440);
    const markdown = await world.run("health --format markdown --only size,coverage", env());
    expect(markdown.stdout.split("\n")[4]).toBe("| coverage | 1m | ✓ pass | 3 of 3 symbols are up to date |");
    expect(await listRuns()).toHaveLength(4);
    expect((await listRuns()).at(-1)).toMatchObject({ arguments: "--only coverage,size" });
  });

  test("is scanned quickly by what follows each sync, without a run of its own", async () => {
    const before = await listRuns();
    const run = await world.run("health --quick --json", env());
    expectExit(run, 0);
    const { checks } = JSON.parse(run.stdout);
    expect(Object.keys(checks)).toEqual(["freshness:age", "coverage:symbols", "integrity:faults"]);
    expect(checks["integrity:faults"]).toMatchObject([{ componentId: "gaps", status: "pass" }]);
    expect(await listRuns()).toEqual(before);
  });

  test("is stale a day later, and only for the intervals that are switched on", async () => {
    const before = await listRuns();
    const later = iso(Date.now() + 30 * HOUR);
    const run = await world.run(`health --now ${later} --json`, env({ SYNC_INTERVALS: "1d,1h" }));
    expectExit(run, 1);
    const { checks, time, status } = JSON.parse(run.stdout);
    expect([status, time]).toEqual(["fail", later]);
    const failed = { status: "fail", runbook: "OhlcvDataStale" };
    expect(checks["freshness:age"]).toMatchObject([
      { componentId: "1h", ...failed },
      { componentId: "1d", ...failed },
    ]);
    expect(checks["coverage:symbols"][0].names).toHaveLength(3);
    expect(await listRuns()).toEqual(before);
  });

  test("warns without failing, unless it is asked to be strict", async () => {
    const wide = env({ FRESHNESS_LIMITS: "1d=1/99999999" });
    expectExit(await world.run("health --only freshness", wide), 0);
    const strict = await world.run("health --only freshness --strict", wide);
    expectExit(strict, 1);
    expect(strict.stdout).toMatch(/^! warn {3}freshness 1d/m);
    expect((await listRuns()).at(-1)).toMatchObject({ outcome: "findings", exit_code: 1 });
  });

  test("fails for a symbol that nobody syncs", async () => {
    const run = await world.run("health", env({ SYMBOLS: `${SYMBOLS},XRPUSDT` }));
    expectExit(run, 1);
    expect(run.stdout).toMatch(
      /^✗ fail {3}coverage 1m .* 3 of 4 symbols are up to date: XRPUSDT \(nothing stored\) -> OhlcvSymbolsMissing$/m,
    );
  });
});

describe("the scan behind a sync", () => {
  test("changes nothing about how the sync ends", async () => {
    await world.database.query(`
      create role scanned login password 'scanned';
      grant usage on schema r3a, r3a_util to scanned;
      grant all on all tables in schema r3a, r3a_util to scanned;
      create function r3a.blind() returns trigger language plpgsql security definer as $$
        begin revoke select on r3a.coin from scanned; return null; end $$;
      create trigger blind after insert or update on r3a_util.last_ts_by_coin_interval execute function r3a.blind()`);
    const url = new URL(world.database.url);
    [url.username, url.password] = ["scanned", "scanned"];
    const run = await world.run("sync 4h --symbols BNBUSDT", env({ DB_URL: url.href }));
    await world.database.query(
      "drop trigger blind on r3a_util.last_ts_by_coin_interval; drop function r3a.blind; drop owned by scanned; drop role scanned",
    );
    expect(run.stderr).toMatch(
      /\[HEALTH\] no summary: .*permission denied for table coin; .*grant select on table r3a.coin to /,
    );
    expectExit(run, 0);
  });
});
