import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { DAY_MS } from "../../runner/src/time.ts";
import { countCovered, expectComplete, runUntilComplete, waitForProgress } from "../support/crash.ts";
import { deadlineInWait } from "../support/deadline.ts";
import { lastRun } from "../support/last-run.ts";
import { expectInvariant, useWorld } from "../support/world.ts";

const world = useWorld({ latencyMs: 300, weightLimit: null });
const END = Date.UTC(2024, 5, 1);
const SYMBOLS = ["BTCUSDT", "ETHUSDT"];
const span = { from: END - 30 * DAY_MS, to: END };
const backfill = (symbols: readonly string[], from: number) =>
  `backfill 1m --symbols ${symbols} --from ${new Date(from).toISOString()} --to ${new Date(END).toISOString()}`;
const args = backfill(SYMBOLS, span.from);

test("a deadline in the middle is 124, keeps what was committed and names the time-out in the ledger", async () => {
  // half a minute of work on any machine: 880 pages, 16 under way
  const long = backfill(["ADAUSDT", "LTCUSDT"], END - 300 * DAY_MS);
  const deadlineS = deadlineInWait((await world.run(`${long} --dry-run`)).ms);
  world.exchange.set({ latencyMs: 600 });
  const run = await world.run(`${long} --deadline ${deadlineS}`);
  world.exchange.set({ latencyMs: 300 });
  expect(run.code, run.stderr).toBe(124);
  expect(run.stderr).toContain(`the deadline of ${deadlineS} s passed; what was done is stored`);
  expect(await lastRun(world.database)).toMatchObject({
    command: "backfill",
    outcome: "timeout",
    exit_code: 124,
    deadline_s: deadlineS,
  });
  await expectInvariant(world);
});

test.for(["SIGTERM", "SIGINT"] as const)(
  "%s in the middle is 143, and what was committed stays",
  async (signal) => {
    const before = await countCovered(world);
    const runner = world.start(args);
    await waitForProgress(world, before, runner);
    runner.child.kill(signal);
    const run = await runner.ended;
    expect(run.code).toBe(143);
    expect(run.stderr).toContain(`stopped by ${signal}; what was done is stored`);
    expect(await lastRun(world.database)).toMatchObject({ outcome: "aborted", exit_code: 143 });
    expect(await countCovered(world)).toBeGreaterThan(before);
    await expectInvariant(world);
    const locks = await world.database.query("select from r3a_util.lock_holder");
    expect(locks).toEqual([]);
  },
);

test("the run after them completes the work", async () => {
  world.exchange.set({ latencyMs: 0 });
  await runUntilComplete(world, args);
  await expectComplete(world, "1m", SYMBOLS, span);
  world.exchange.set({ latencyMs: 300 });
});

test("the ledger and the summary have what a stopped run had done, of the series under way too", async () => {
  const before = await countCovered(world);
  const runner = world.start(`${args.replace("ETHUSDT", "SOLUSDT")} --json`);
  await waitForProgress(world, before, runner);
  runner.child.kill("SIGTERM");
  const { code, stdout } = await runner.ended;
  expect(code).toBe(143);
  expect(await lastRun(world.database)).toMatchObject({ outcome: "aborted", exit_code: 143 });
  const items = await world.database.query<{
    symbol: string;
    outcome: string;
    added: number;
    error: string | null;
    stored: number;
  }>(
    `select c.symbol, i.outcome, i.added::int, i.error, (select count(*)::int from r3a.ohlcv_partitioned o where o.coin_id = c.id) as stored
     from r3a.run_item i join r3a.coin c on c.id = i.coin_id
     where i.run_id = (select run_id from r3a.run order by started_at desc limit 1) order by c.symbol`,
  );
  const added = items.at(-1)?.stored;
  expect(added).toBeGreaterThan(0);
  expect(items).toMatchObject([
    { symbol: "BTCUSDT", outcome: "success", added: 0, error: null },
    { symbol: "SOLUSDT", outcome: "partial", added, error: "stopped by SIGTERM; what was done is stored" },
  ]);
  expect(JSON.parse(stdout).intervals).toMatchObject([{ symbols: 2, added, failed: 0, stopped: 1 }]);
  expect(await lastRun(world.database)).toMatchObject({ symbols_expected: 2, symbols_ok: 1 });
});

test("a run that waits for weight hears SIGTERM, and one that waits longer than its deadline ends at it", async () => {
  const env = { WEIGHT_LIMIT: "0.01", EGRESS_KEY: "narrow", FALLBACK_START: "2024-05-01" };
  const narrow = "backfill 1m --symbols XRPUSDT --from 2024-01-01 --to 2024-05-01";
  const runner = world.start(narrow, env);
  const isFull = "select from r3a.api_budget where egress_key = 'narrow' and used >= 58";
  while (runner.child.exitCode === null && (await world.database.query(isFull)).length === 0) await sleep(20);
  runner.child.kill("SIGTERM");
  expect(await runner.ended).toMatchObject({ code: 143 });
  expect((await world.run(`${narrow} --deadline 2`, env)).code).toBe(124);
  await expectInvariant(world);
});

const runsThat = async (outcome: string): Promise<number> =>
  (await world.database.query("select from r3a.run where command = 'sync' and outcome = $1", [outcome]))
    .length;

/** Waits for the end of a cycle, so that what comes next meets the wait for the following one. */
async function waitForIdle(): Promise<void> {
  while ((await runsThat("running")) === 0) await sleep(5);
  while ((await runsThat("running")) > 0) await sleep(5);
}

test("--every runs again at each full period, each time as a run of its own, and ends with 0 at SIGTERM", async () => {
  world.exchange.set({ latencyMs: 20 });
  const env = { FALLBACK_START: new Date(END).toISOString() };
  // a cycle takes up to a second beside other work, and the signal must come before the next one
  const runner = world.start("sync 1d --symbols BTCUSDT --every 4", env);
  while (runner.child.exitCode === null && (await runsThat("success")) < 2) await sleep(20);
  await waitForIdle();
  runner.child.kill("SIGTERM");
  const run = await runner.ended;
  expect(run.stderr).not.toContain("cycle_failed");
  expect(run.code).toBe(0);
  expect(await runsThat("success")).toBeGreaterThanOrEqual(3);
  expect(await runsThat("running")).toBe(0);
});
