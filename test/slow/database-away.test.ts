import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { DAY_MS } from "../../runner/src/time.ts";
import { expectComplete, runUntilComplete, waitForProgress } from "../support/crash.ts";
import { useOwnServer } from "../support/database/own-server.ts";
import { expectInvariant, useWorld } from "../support/world.ts";

const server = useOwnServer();
const world = useWorld({ latencyMs: 20, weightLimit: null }, server);
const END = Date.UTC(2024, 5, 1);
const SYMBOLS = ["BTCUSDT", "ETHUSDT", "SOLUSDT"];

const span = { from: END - 12 * DAY_MS, to: END };
const BACKFILL = `backfill 1m --symbols ${SYMBOLS} --from ${new Date(span.from).toISOString()} --to ${new Date(END).toISOString()}`;

test("a database that stops in the middle and is back after two seconds ends the run with 75, the next one completes", async () => {
  const runner = world.start(BACKFILL);
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
  await runUntilComplete(world, BACKFILL);
  await expectComplete(world, "1m", SYMBOLS, span);
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
