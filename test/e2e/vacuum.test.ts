import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, expect, test } from "vitest";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { expectExit } from "../support/candle/series.ts";
import { useDatabase } from "../support/database/database.ts";
import { withSession } from "../support/database/empty-database.ts";
import { lastRun } from "../support/last-run.ts";
import { runRunner, startRunner } from "../support/runner.ts";

const database = useDatabase();
const env = () => ({ DB_URL: database.url, LOG_LEVEL: "info" });
const run = (args: string, more: Readonly<Record<string, string>> = {}) =>
  runRunner(["vacuum", ...args.split(" ").filter((word) => word !== "")], { ...env(), ...more });
const analyzed = async () =>
  (
    await database.query<{ name: string }>(
      "select relname as name from pg_stat_user_tables where last_analyze is not null order by 1",
    )
  ).map(({ name }) => name);
const vacuumed = () => database.query("select from pg_stat_user_tables where last_vacuum is not null");

/** A table of ours that changed a lot; others are in order until their first rows. */
const spoil = () =>
  withSession(database.url, async (session) => {
    await session.query(
      `insert into r3a.coin (symbol, base, quote, status) select gen_random_uuid(), 'X', 'USDT', 'BREAK' from generate_series(1, 2000)`,
    );
    await session.query("delete from r3a.coin where id % 2 = 0");
  });

beforeAll(async () => {
  // the server's own would take the work away from the job, at any moment of the test
  await database.query("alter table r3a.coin set (autovacuum_enabled = false)");
  await spoil();
});

test("--dry-run prints the plan with its debts and touches nothing", async () => {
  const plan = await run("--dry-run");
  expectExit(plan, 0);
  expect(plan.stdout).toMatch(/r3a\.coin +analyze +100\.0 +has no statistics/);
  expect(plan.stdout).toContain("waiting for a VACUUM: 1 ");
  const { steps, postponed } = JSON.parse((await run("--dry-run --json")).stdout);
  expect(steps[0]).toMatchObject({ table: "r3a.coin", action: "analyze", debt: 100 });
  expect(postponed).toMatchObject([{ table: "r3a.coin", action: "vacuum" }]);
  expect(await analyzed()).toEqual([]);
  expect(await lastRun(database)).toBeUndefined();
});

test("a psql session with the lock keeps the run out, which ends with 0", async () => {
  await withSession(database.url, async (psql) => {
    await psql.query("select r3a_util.acquire_lock('vacuum', 'global')");
    const kept = await run("--json");
    expectExit(kept, 0);
    expect(JSON.parse(kept.stdout).skipped).toContain(
      "another holder is at work on vacuum: a session without",
    );
    expect(await analyzed()).toEqual([]);
  });
});

test("by default it only analyses, each step with an outcome line, and writes its run into the ledger", async () => {
  const done = await run("--json --deadline 1165");
  expectExit(done, 0);
  expect(done.stderr).toMatch(/\[MAINT\] analyze r3a\.coin: done in \d+ ms \(has no statistics\)/);
  expect(JSON.parse(done.stdout)).toMatchObject({ left: 0, busy: [], postponed: [{ table: "r3a.coin" }] });
  expect(await analyzed()).toContain("coin");
  expect(await vacuumed()).toEqual([]);
  expect(await lastRun(database)).toMatchObject({
    arguments: "--analyze-only",
    outcome: "success",
    exit_code: 0,
  });
});

test("--vacuum and the setting make it vacuum too; --analyze-only goes before the setting", async () => {
  expectExit(await run("--analyze-only", { VACUUM_ANALYZE_ONLY: "false" }), 0);
  expect(await vacuumed()).toEqual([]);
  expect((await run("--vacuum")).stdout).toMatch(/r3a\.coin +vacuum/);
  expect(await vacuumed()).toHaveLength(1);
  await spoil();
  expectExit(await run("", { VACUUM_ANALYZE_ONLY: "false" }), 0);
  expect(await lastRun(database)).toMatchObject({ arguments: "--vacuum" });
});

test("SIGTERM in the middle of a statement ends it and the run with 143", async () => {
  await spoil();
  await withSession(database.url, async (other) => {
    await other.query("begin");
    await other.query("lock table pg_statistic in share mode");
    const runner = startRunner(["vacuum"], env());
    const waits = "select from pg_stat_activity where query like 'analyze%' and wait_event_type = 'Lock'";
    while (runner.child.exitCode === null && (await database.query(waits)).length === 0) await sleep(10);
    runner.child.kill("SIGTERM");
    expectExit(await runner.ended, 143);
    expect(await lastRun(database)).toMatchObject({ outcome: "aborted", exit_code: 143 });
    expect(await database.query("select from r3a_util.lock_holder")).toEqual([]);
  });
});

test("a step that fails is 1, and what does not fit into a budget says so", async () => {
  await withSession(database.url, async (other) => {
    await other.query("begin");
    await other.query("lock table pg_statistic in share mode");
    const failed = await run("--budget 3 --json");
    expectExit(failed, 1);
    expect(JSON.parse(failed.stdout).steps[0]).toMatchObject({
      outcome: "failed",
      error: expect.stringContaining("--budget"),
    });
    const error_summary = expect.stringMatching(/^(vacuum|analyze) \S+: .*--budget/);
    expect(await lastRun(database)).toMatchObject({ outcome: "failure", exit_code: 1, error_summary });
  });
});

test("every fault of arguments and settings is listed", async () => {
  const wrong = await run("--vacuum --analyze-only --budget no --deadline 0", {
    VACUUM_ANALYZE_ONLY: "x",
    DB_URL: "",
  });
  expectExit(wrong, 64);
  for (const name of ["exclude each other", "--budget", "--deadline", "VACUUM_ANALYZE_ONLY", "DB_URL"])
    expect(wrong.stderr).toContain(name);
});

test("a leaf that somebody holds is left to its holder by name, and the others are worked on", async () => {
  expectExit(await runRunner(["maint"], env()), 0);
  await spoil();
  const leaf = `r3a.${leafAt("1m", Date.now()).name}`;
  await database.query(
    `insert into ${leaf} (coin_id, "interval", "timestamp", open, high, low, close, volume)
     select 1, '1m', date_trunc('minute', now()), 1, 1, 1, 1, 1`,
  );
  const sister = `r3a.${leafAt("1d", Date.now()).name}`;
  // the server's own would take this leaf away from the job too
  await database.query(`alter table ${sister} set (autovacuum_enabled = false)`);
  await database.query(
    `insert into ${sister} (coin_id, "interval", "timestamp", open, high, low, close, volume)
     select n, '1d', date_trunc('day', now()), 1, 1, 1, 1, 1 from generate_series(1, 200) n`,
  );
  await database.query("select pg_stat_force_next_flush()");
  await withSession(database.url, async (holder) => {
    await holder.query(`begin; lock table ${leaf} in access exclusive mode`);
    const plan = JSON.parse((await run("--dry-run --json")).stdout);
    expect(plan.busy).toContainEqual(
      expect.objectContaining({ table: leaf, busyWith: expect.stringContaining("session ") }),
    );
    const done = await run("");
    expectExit(done, 0);
    expect(done.stdout).toMatch(new RegExp(`${leaf} is left to session \\d+`));
    expect(done.stdout).toMatch(/r3a\.coin .*analyze.*done/);
    // by its own step, or before version 18 by that of a parent which nobody holds
    expect(await analyzed()).toContain(sister.replace("r3a.", ""));
  });
});
