import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { DAY_MS } from "../../runner/src/time.ts";
import { countCovered, expectComplete, runUntilComplete, waitForProgress } from "../support/crash.ts";
import { useOwnServer } from "../support/database/own-server.ts";
import { expectInvariant, useWorld } from "../support/world.ts";

const server = useOwnServer();
const world = useWorld({ latencyMs: 20, weightLimit: null }, server);
const END = Date.UTC(2024, 5, 1);
const SYMBOLS = ["BTCUSDT", "ETHUSDT", "SOLUSDT"];

const spanOf = (days: number) => ({ from: END - days * DAY_MS, to: END });
const backfill = (interval: string, days: number): string =>
  `backfill ${interval} --symbols ${SYMBOLS} --from ${new Date(END - days * DAY_MS).toISOString()} --to ${new Date(END).toISOString()}`;

test("a database that stops in the middle and is back after two seconds ends the run with 75, the next one completes", async () => {
  const runner = world.start(backfill("1m", 12));
  await waitForProgress(world, 0, runner);
  await server.halt();
  await sleep(2_000);
  await server.start();
  const run = await runner.ended;
  expect(run.code).toBe(75);
  expect(run.stderr).toMatch(
    /database cannot be reached|connection that holds the locks of this run was lost/,
  );
  // one message for a person, not the stack of an event that nobody listened to
  expect(run.stderr).not.toContain("Unhandled 'error' event");
  await expectInvariant(world);
  await runUntilComplete(world, backfill("1m", 12));
  await expectComplete(world, "1m", SYMBOLS, spanOf(12));
}, 120_000);

test("the end of the session that holds the locks ends the run with 75, and nothing is written under no lock", async () => {
  const runner = world.start(backfill("15m", 150));
  await waitForProgress(world, await countCovered(world), runner);
  const [ended] = await world.database.query<{ name: string; after: string }>(
    `with holder as (select distinct pid from r3a_util.lock_holder where scope = 'series')
     select a.application_name as name, pg_terminate_backend(a.pid, 5000) as done, pg_current_xact_id()::text as after
     from holder join pg_stat_activity a using (pid)`,
  );
  expect(ended?.name).toMatch(/^r3a backfill /);
  const run = await runner.ended;
  expect(run.code).toBe(75);
  expect(run.stderr).toContain("connection that holds the locks of this run was lost");
  const later = await world.database.query(
    `select distinct xmin::text from r3a.ohlcv_partitioned where "interval" = '15m' and xmin::text::bigint > $1`,
    [ended?.after],
  );
  // what was on its way when the session ended may still be committed: a transaction, and one that started meanwhile
  expect(later.length).toBeLessThanOrEqual(2);
  await expectInvariant(world);
  expect(
    await world.database.query("select exit_code from r3a.run order by started_at desc limit 1"),
  ).toEqual([{ exit_code: 75 }]);
  await runUntilComplete(world, backfill("15m", 150));
  await expectComplete(world, "15m", SYMBOLS, spanOf(150));
}, 120_000);

test("the end of every other connection in the middle ends the run with 75, too", async () => {
  const before = await world.database.query("select from r3a.run");
  const runner = world.start(backfill("1h", 250));
  while ((await world.database.query(`select from r3a.series where "interval" = '1h'`)).length === 0)
    await sleep(10);
  // one that lies idle is only replaced by a new one: again, until one was hit at its work
  let isOver = false;
  const ended = runner.ended.finally(() => {
    isOver = true;
  });
  while (!isOver)
    await world.database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity a where application_name like 'r3a backfill%'
       and not exists (select from pg_locks l where l.pid = a.pid and l.locktype = 'advisory')`,
    );
  const run = await ended;
  expect(run.code).toBe(75);
  expect(run.stderr).toContain("the database cannot be reached (DB_URL)");
  await expectInvariant(world);
  await runUntilComplete(world, backfill("1h", 250));
  await expectComplete(world, "1h", SYMBOLS, spanOf(250));
  expect(await world.database.query("select from r3a.run")).toHaveLength(before.length + 2);
}, 120_000);

test("a database that is not there at the start is 75 before the deadline, and one that comes in time is waited for", async () => {
  await server.halt();
  try {
    const absent = await world.run("sync 1d --symbols BTCUSDT --deadline 9");
    expect(absent.code).toBe(75);
    expect(absent.stderr).toContain("the database cannot be reached (DB_URL)");
    expect(absent.stderr).not.toContain(new URL(server.url).password);
    expect(absent.stdout).toBe("");
    const patient = world.start("sync 1d --symbols BTCUSDT --deadline 60", { FALLBACK_START: "2024-01-01" });
    await sleep(2_000);
    await server.start();
    expect(await patient.ended).toMatchObject({ code: 0 });
  } finally {
    await server.start();
  }
  await expectInvariant(world);
}, 120_000);
