import { expect, test } from "vitest";
import { expectInvariant, useWorld } from "../support/world.ts";

const world = useWorld();
const HOUR = 3_600_000;

test("a first sync stores what the exchange holds, a second one adds nothing", async () => {
  const since = Math.floor(world.exchange.now() / HOUR) * HOUR - 26 * HOUR;
  const env = { FALLBACK_START: new Date(since).toISOString() };
  const first = await world.run("sync 1m --symbols BTCUSDT,eth/usdt --json", env);
  expect(first.stderr).not.toContain("error");
  expect(first.code).toBe(0);
  for (const symbol of ["BTCUSDT", "ETHUSDT"]) {
    const stored = await world.stored(symbol, "1m");
    const last = stored.at(-1)?.[0] ?? 0;
    expect(stored).toEqual(world.truth(symbol, "1m", since, last + 60_000));
    expect(stored.length).toBeGreaterThanOrEqual(26 * 60 - 1);
  }
  await expectInvariant(world);
  const second = await world.run("sync 1m --symbols BTCUSDT,ETHUSDT --json", env);
  expect(second.code).toBe(0);
  expect(JSON.parse(second.stdout).intervals[0].added).toBeLessThanOrEqual(4);
});
