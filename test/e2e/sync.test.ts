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
    expect(JSON.parse(one.stdout).intervals[0]).toMatchObject({ symbols: 1, symbolsStored: 2 });
  }
});
