import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { DAY_MS } from "../../runner/src/time.ts";
import { countCovered, expectComplete, runUntilComplete, waitForProgress } from "../support/crash.ts";
import { lastRun } from "../support/last-run.ts";
import { expectInvariant, useWorld } from "../support/world.ts";

const world = useWorld({ latencyMs: 20, weightLimit: null });
const END = Date.UTC(2024, 5, 1);
const SYMBOLS = ["BTCUSDT", "ETHUSDT", "SOLUSDT"];

const spanOf = (days: number) => ({ from: END - days * DAY_MS, to: END });
const backfill = (interval: string, days: number): string =>
  `backfill ${interval} --symbols ${SYMBOLS} --from ${new Date(END - days * DAY_MS).toISOString()} --to ${new Date(END).toISOString()}`;

test("the end of the session that holds the locks ends the run with 75, and nothing is written under no lock", async () => {
  const runner = world.start(backfill("15m", 150));
  await waitForProgress(world, await countCovered(world), runner);
  const [ended] = await world.database.query<{ name: string; after: string }>(
    `with holder as (select distinct pid from r3a_util.lock_holder where scope = 'series')
     select a.application_name as name, pg_terminate_backend(a.pid, 5000) as done, pg_current_xact_id()::text as after
     from holder join pg_stat_activity a using (pid) where a.datname = current_database()`,
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
  expect(await lastRun(world.database)).toMatchObject({ exit_code: 75 });
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
      `select pg_terminate_backend(pid) from pg_stat_activity a where application_name like 'r3a backfill%' and datname = current_database()
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
