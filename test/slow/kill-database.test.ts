import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { DAY_MS } from "../../runner/src/time.ts";
import {
  countCovered,
  createDice,
  expectComplete,
  runUntilComplete,
  waitForProgress,
} from "../support/crash.ts";
import { useOwnServer } from "../support/database/own-server.ts";
import { expectInvariant, useWorld } from "../support/world.ts";

const server = useOwnServer();
const world = useWorld({ latencyMs: 15, weightLimit: null }, server);
const END = Date.UTC(2024, 5, 1);

test("a backfill whose database is killed six times ends with 75 each time and loses nothing", async () => {
  const symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT"];
  const dice = createDice(5);
  let killedAtWork = 0;
  // first from scratch, then from before what is stored
  for (const [days, kills] of [
    [6, 3],
    [12, 3],
  ] as const) {
    const span = { from: END - days * DAY_MS, to: END };
    const args = `backfill 1m --symbols ${symbols} --from ${new Date(span.from).toISOString()} --to ${new Date(END).toISOString()}`;
    for (let kill = 0; kill < kills; kill += 1) {
      const before = await countCovered(world);
      const runner = world.start(args);
      await waitForProgress(world, before, runner);
      await sleep(dice() * 80);
      const atWork = runner.child.exitCode === null;
      await server.kill();
      const run = await runner.ended;
      if (atWork && run.code !== 0) {
        killedAtWork += 1;
        expect(run.code).toBe(75);
        expect(run.stderr).toMatch(
          /database cannot be reached|connection that holds the locks of this run was lost/,
        );
      }
      await server.start();
      await expectInvariant(world);
    }
    await runUntilComplete(world, args);
    await expectComplete(world, "1m", symbols, span);
  }
  expect(killedAtWork).toBeGreaterThan(2);
}, 120_000);

test("process and database that are killed together leave nothing that the next run does not mend", async () => {
  const symbols = ["BTCUSDT", "ETHUSDT"];
  const span = { from: END - 200 * DAY_MS, to: END };
  const args = `backfill 15m --symbols ${symbols} --from ${new Date(span.from).toISOString()} --to ${new Date(END).toISOString()}`;
  const runner = world.start(args);
  await waitForProgress(world, await countCovered(world), runner);
  runner.child.kill("SIGKILL");
  await server.kill();
  await runner.ended;
  await server.start();
  await expectInvariant(world);
  const left = await world.database.query("select from r3a.run where outcome = 'running'");
  expect(left.length).toBeGreaterThan(0);
  await runUntilComplete(world, args);
  await expectComplete(world, "15m", symbols, span);
}, 120_000);
