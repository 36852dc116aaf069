import { afterEach, describe, expect, test } from "vitest";
import { coveredOf, DAY, expectExit, gapsOf, HOUR, iso, MINUTE } from "../support/series.ts";
import { expectInvariant, useWorld } from "../support/world.ts";

/** The exchange's clock decides what is closed, however far this machine's is off. */
const world = useWorld();

afterEach(() => world.exchange.set({ clock: { offsetMs: 0 } }));

describe.each([
  ["7 minutes ahead", 7 * MINUTE, "BTCUSDT"],
  ["7 minutes behind", -7 * MINUTE, "ETHUSDT"],
  ["3 days behind", -3 * DAY, "BNBUSDT"],
  ["3 days ahead", 3 * DAY, "SOLUSDT"],
] as const)("an exchange whose clock is %s", (_, offsetMs, symbol) => {
  const sync = (since: number) =>
    world.run(`sync 1m --symbols ${symbol}`, { FALLBACK_START: iso(since), EGRESS_KEY: symbol });

  test("decides what is closed: no running candle is stored, and none is missing", async () => {
    world.exchange.set({ clock: { offsetMs } });
    const since = Math.floor(world.exchange.now() / MINUTE) * MINUTE - 2 * HOUR;
    const closedBefore = Math.floor(world.exchange.now() / MINUTE) * MINUTE;
    const run = await sync(since);
    expectExit(run, 0);
    expect(run.stderr).toContain("clock_skew");
    const stored = await world.stored(symbol, "1m");
    const covered = await coveredOf(world, symbol, "1m");
    expect(covered?.[0]).toBe(since);
    expect(covered?.[1]).toBeGreaterThanOrEqual(closedBefore);
    expect(covered?.[1]).toBeLessThanOrEqual(world.exchange.now());
    expect(stored).toEqual(world.truth(symbol, "1m", since, covered?.[1] ?? 0));
    await expectInvariant(world);
  });

  test("and is then set right leaves no wrong row and no gap", async () => {
    const since = Math.floor(Date.now() / MINUTE) * MINUTE - 3 * DAY - 3 * HOUR;
    const run = await sync(since);
    expectExit(run, 0);
    const covered = await coveredOf(world, symbol, "1m");
    expect(covered?.[1]).toBeGreaterThanOrEqual(Math.floor(Date.now() / MINUTE) * MINUTE - MINUTE);
    expect(await gapsOf(world, symbol, "1m")).toEqual([]);
    world.exchange.set({ clock: { offsetMs: Math.max(0, offsetMs) + MINUTE } });
    const stored = await world.stored(symbol, "1m");
    expect(stored).toEqual(world.truth(symbol, "1m", covered?.[0] ?? 0, covered?.[1] ?? 0));
    await expectInvariant(world);
  });
});
