import { beforeAll, describe, expect, test } from "vitest";
import { expectExit, HOUR, iso, outputOf } from "../support/candle/series.ts";
import { lastRun } from "../support/last-run.ts";
import { useWorld } from "../support/world.ts";

/** What a run leaves in the ledger, and what it must never leave anywhere. */
const END = Date.parse("2024-05-10T12:00:00Z");
const SINCE = END - 100 * HOUR;
const world = useWorld({ clock: { fixedMs: END + 30_000 } });
const env = (more: Readonly<Record<string, string>> = {}) => ({ FALLBACK_START: iso(SINCE), ...more });

const counters = async () =>
  new Map(
    (
      await world.database.query<{ name: string; n: number }>(
        "select command || ' ' || outcome as name, n::int from r3a.job_counter",
      )
    ).map(({ name, n }) => [name, n]),
  );

describe("the run ledger", () => {
  test("holds a run with its items and counts it", async () => {
    const before = await counters();
    expect(before.get("sync success")).toBe(0);
    const runId = "01a20000-0000-7000-8000-000000000001";
    const run = await world.run(
      "sync 1h --symbols BTCUSDT,ETHUSDT --deadline 50 --json",
      env({ R3A_RUN_ID: runId }),
    );
    expectExit(run, 0);
    expect(JSON.parse(run.stdout).runId).toBe(runId);
    const [row] = await world.database.query(
      `select *, finished_at >= started_at as is_ordered from r3a.run where run_id = '${runId}'`,
    );
    expect(row).toMatchObject({
      command: "sync",
      arguments: "1h --symbols BTCUSDT,ETHUSDT",
      outcome: "success",
      exit_code: 0,
      deadline_s: 50,
      symbols_expected: 2,
      symbols_ok: 2,
      rows_written: "200",
      rate_limit_hits: 0,
      error_summary: null,
      is_ordered: true,
    });
    const items = await world.database.query(
      `select c.symbol, i."interval", outcome, pages, added::int, repaired::int, revised::int, gaps, last_close, error
       from r3a.run_item i join r3a.coin c on c.id = i.coin_id where run_id = '${runId}' order by 1`,
    );
    const item = {
      interval: "1h",
      outcome: "success",
      pages: 1,
      added: 100,
      repaired: 0,
      revised: 0,
      gaps: 0,
    };
    expect(items).toEqual([
      { symbol: "BTCUSDT", ...item, last_close: new Date(END), error: null },
      { symbol: "ETHUSDT", ...item, last_close: new Date(END), error: null },
    ]);
    const after = await counters();
    before.set("sync success", 1);
    expect(after).toEqual(before);
  });

  test("says which run was partial, which failed, and why", async () => {
    const before = await counters();
    world.exchange.addFault({ kind: "garbage", symbol: "BNBUSDT", path: "/api/v3/klines" });
    expectExit(await world.run("sync 1h --symbols BNBUSDT,BTCUSDT", env()), 1);
    expectExit(await world.run("sync 1h --symbols BNBUSDT", env()), 1);
    world.exchange.addFault({ kind: "503", path: "/api/v3/time" });
    expectExit(await world.run("sync 1h --symbols BTCUSDT", env()), 75);
    world.exchange.clearFaults();
    const runs = await world.database.query(
      "select outcome, exit_code, symbols_expected as n, symbols_ok as ok from r3a.run order by started_at desc limit 3",
    );
    expect(runs.reverse()).toEqual([
      { outcome: "partial", exit_code: 1, n: 2, ok: 1 },
      { outcome: "failure", exit_code: 1, n: 1, ok: 0 },
      { outcome: "failure", exit_code: 75, n: 0, ok: 0 },
    ]);
    expect((await lastRun(world.database))?.error_summary).toContain(
      "the exchange is not available: HTTP 503",
    );
    const [item] = await world.database.query<{ error: string }>(
      "select error from r3a.run_item where outcome = 'failure' limit 1",
    );
    expect(item?.error).toContain("not a list of candles");
    const after = await counters();
    before.set("sync partial", (before.get("sync partial") ?? 0) + 1);
    before.set("sync failure", (before.get("sync failure") ?? 0) + 2);
    expect(after).toEqual(before);
  });

  test("counts backfill, gaps and verify too, and no plan", async () => {
    const before = await counters();
    const backfill = `backfill 1h --symbols BTCUSDT --from ${iso(SINCE - 10 * HOUR)} --to ${iso(SINCE)}`;
    const run = await world.run(`${backfill} --json`, env());
    expectExit(run, 0);
    expect(JSON.parse(run.stdout).intervals).toMatchObject([{ interval: "1h", added: 10, failed: 0 }]);
    for (const command of ["gaps --repair", "verify", "plan 1h --symbols BTCUSDT", `${backfill} --dry-run`])
      expectExit(await world.run(command, env()), 0);
    const after = await counters();
    for (const name of ["backfill success", "gaps success", "verify success"])
      before.set(name, (before.get(name) ?? 0) + 1);
    expect(after).toEqual(before);
  });
});

describe("no secret", () => {
  const PASSWORD = "canary-pass/word%41";
  const secrets = { BINANCE_API_KEY: "canary-key-5f1c9", BINANCE_API_SECRET: "canary-secret-77ab2" };
  const withUser = (user: string, password: string) => {
    const url = new URL(world.database.url);
    url.username = user;
    url.password = encodeURIComponent(password);
    return url.href;
  };

  beforeAll(async () => {
    await world.database.query("drop role if exists r3a_canary");
    await world.database.query(`create role r3a_canary superuser login password '${PASSWORD}'`);
  });

  const wrongHost = new URL("postgresql://r3a_canary@127.0.0.1:1/nothing");
  wrongHost.password = encodeURIComponent(PASSWORD);

  test.each([
    ["sync 1h --symbols BTCUSDT", 0, {}],
    ["sync 1h --symbols NOPEUSDT", 64, {}],
    ["sync 1h --symbols BTCUSDT", 75, { EXCHANGE_URL: "http://127.0.0.1:1" }],
    ["sync 1h --symbols BTCUSDT --deadline 9", 75, { DB_URL: wrongHost.href }],
    ["sync 1h", 78, { DB_URL: `postgres:r3a_canary:${encodeURIComponent(PASSWORD)}@` }],
    ["backfill 1h --symbols BTCUSDT --from 2024-05-01", 0, {}],
    ["plan 1h --symbols BTCUSDT", 0, {}],
    ["verify", 0, {}],
    ["gaps --json", 0, {}],
    ["gaps --repair", 0, {}],
    ["candles BTCUSDT 1h --last 1", 0, {}],
    ["migrate", 0, {}],
    ["wait-db", 0, {}],
    ["wait-db --timeout 1", 75, { DB_URL: wrongHost.href }],
    ["migrate canary-key-5f1c9", 64, {}],
  ] as const)("is in what %s says when it ends with %i", async (args, code, more) => {
    const run = await world.run(
      args,
      env({ DB_URL: withUser("r3a_canary", PASSWORD), LOG_LEVEL: "trace", ...secrets, ...more }),
    );
    expectExit(run, code);
    const output = outputOf(run);
    for (const secret of [PASSWORD, encodeURIComponent(PASSWORD), ...Object.values(secrets)])
      expect(output).not.toContain(secret);
    expect(output).not.toContain("canary-");
  });

  test("is in the ledger, or in a request to the exchange", async () => {
    const tables = ["run", "run_item", "ohlcv_gap_log", "coin"];
    const rows = await Promise.all(
      tables.map((name) => world.database.query(`select t::text from r3a.${name} t`)),
    );
    expect(rows[0]?.length).toBeGreaterThan(5);
    expect(JSON.stringify([rows, world.exchange.requests])).not.toContain("canary-");
  });
});
