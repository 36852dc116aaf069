import { expect, test } from "vitest";
import { HOUR_MS, MINUTE_MS } from "../../runner/src/time.ts";
import { expectInvariant, useWorld } from "../support/world.ts";

const world = useWorld();

test("a first sync stores what the exchange holds, a second one adds nothing", async () => {
  const since = Math.floor(world.exchange.now() / HOUR_MS) * HOUR_MS - 26 * HOUR_MS;
  const env = { FALLBACK_START: new Date(since).toISOString() };
  const first = await world.run("sync 1m --symbols BTCUSDT,eth/usdt --json", env);
  expect(first.stderr).not.toContain("error");
  expect(first.code).toBe(0);
  for (const symbol of ["BTCUSDT", "ETHUSDT"]) {
    const stored = await world.stored(symbol, "1m");
    const last = stored.at(-1)?.[0] ?? 0;
    expect(stored).toEqual(world.truth(symbol, "1m", since, last + MINUTE_MS));
    expect(stored.length).toBeGreaterThanOrEqual(26 * 60 - 1);
  }
  await expectInvariant(world);
  const second = await world.run("sync 1m --symbols BTCUSDT,ETHUSDT --json", env);
  expect(second.code).toBe(0);
  expect(JSON.parse(second.stdout).intervals[0].added).toBeLessThanOrEqual(4);
  for (const command of ["sync 1m", `backfill 1m --from ${env.FALLBACK_START}`]) {
    const one = await world.run(`${command} --symbols BTCUSDT --json`, env);
    expect(JSON.parse(one.stdout).intervals[0]).toMatchObject({ symbols: 1, gapsOpen: 0 });
  }
});

test("the summary of a run says nothing of series that the run did not touch", async () => {
  const since = Math.floor(world.exchange.now() / HOUR_MS) * HOUR_MS - 50 * HOUR_MS;
  const env = { FALLBACK_START: new Date(since).toISOString() };
  const slots = [since + 3 * HOUR_MS, since + 9 * HOUR_MS];
  world.exchange.addFault({ kind: "drop-rows", symbol: "ADAUSDT", slots });
  const ada = await world.run("sync 1h --symbols ADAUSDT --json", env);
  expect(JSON.parse(ada.stdout)).toMatchObject({ version: 1, command: "sync", intervals: [{ gapsOpen: 2 }] });
  const from = new Date(since - 400 * HOUR_MS).toISOString();
  const to = new Date(since - 300 * HOUR_MS).toISOString();
  const far = await world.run(`backfill 1h --symbols SOLUSDT --from ${from} --to ${to} --json`);
  const [sol] = JSON.parse(far.stdout).intervals;
  expect(sol).toMatchObject({ symbols: 1, added: 100, gapsOpen: 0, gapsNotRequested: 0 });
  expect(sol.newestAgeMs).toBeGreaterThan(300 * HOUR_MS);
  const again = await world.run("sync 1h --symbols SOLUSDT", env);
  expect(again.stdout).not.toContain("never asked for");
  const apart = await world.run(
    `backfill 1h --symbols SOLUSDT --from ${new Date(since - 900 * HOUR_MS).toISOString()} --to ${new Date(since - 800 * HOUR_MS).toISOString()}`,
  );
  expect(apart.stdout).toContain("no gap is open\n1 gap was never asked for: r3a gaps --state not_requested");
});
