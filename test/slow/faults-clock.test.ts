import { afterEach, describe, expect, test } from "vitest";
import { coveredOf, DAY, expectExit, gapsOf, HOUR, iso, MINUTE } from "../support/candle/series.ts";
import { expectInvariant, useWorld } from "../support/world.ts";

/** The exchange's clock decides what is closed, unless it is ahead of this machine's and of the database's. */
const world = useWorld();

afterEach(() => world.exchange.set({ clock: { offsetMs: 0 } }));

const syncOf = (symbol: string) => (since: number) =>
  world.run(`sync 1m --symbols ${symbol}`, { FALLBACK_START: iso(since), EGRESS_KEY: symbol });

/** Whatever lasts and lies more than `ms` ahead of the database, by table. */
const listAhead = (ms: number) =>
  world.database.query<{ what: string }>(
    `with latest as (select clock_timestamp() + $1 * interval '1 ms' as at)
     select what from latest, lateral (
       select 'candle' as what, max(close_time) as at from r3a.ohlcv_partitioned
       union all select 'covered_to', max(covered_to) from r3a.series
       union all select 'last_ts', max(last_ts) from r3a_util.last_ts_by_coin_interval
       union all select 'first_candle', max(first_candle) from r3a.coin
       union all select 'gap', max(to_ts) from r3a.ohlcv_gap_log
       union all select 'budget', max(minute) from r3a.api_budget
     ) lasting (what, time) where time > latest.at`,
    [ms],
  );

describe.each([
  ["3 minutes", 3 * MINUTE, "SOLUSDT"],
  ["3 days", 3 * DAY, "XRPUSDT"],
  ["1000 years", 365_000 * DAY, "DOGEUSDT"],
] as const)("an exchange whose clock is %s ahead", (_, offsetMs, symbol) => {
  test("is not believed by any command: exit 75 with the three times, and nothing lasting comes of it", async () => {
    const since = Math.floor(Date.now() / MINUTE) * MINUTE - 2 * HOUR;
    world.exchange.set({ clock: { offsetMs } });
    const asked = world.exchange.requests.length;
    const commands = [
      `sync 1m --symbols ${symbol}`,
      `sync 1m --symbols ${symbol} --dry-run`,
      `plan 1m --symbols ${symbol}`,
      `backfill 1m --symbols ${symbol} --from ${iso(since)}`,
      "gaps --repair --all",
    ];
    for (const run of await Promise.all(
      commands.map((command) => world.run(command, { FALLBACK_START: iso(since), EGRESS_KEY: symbol })),
    )) {
      expectExit(run, 75);
      expect(run.stderr).toMatch(
        /clock is not believed: it says \S+Z, this machine's \S+Z, the database's \S+Z.* ahead of both\..* one clock/,
      );
    }
    const paths = world.exchange.requests.filter(({ index }) => index >= asked).map(({ path }) => path);
    expect(new Set(paths)).toEqual(new Set(["/api/v3/time"]));
    expect(await listAhead(0)).toEqual([]);
    expect(await coveredOf(world, symbol, "1m")).toBeNull();

    world.exchange.set({ clock: { offsetMs: 0 } });
    expectExit(await syncOf(symbol)(since), 0);
    const covered = await coveredOf(world, symbol, "1m");
    expect(await world.stored(symbol, "1m")).toEqual(world.truth(symbol, "1m", since, covered?.[1] ?? 0));
    expect(await listAhead(0)).toEqual([]);
    await expectInvariant(world);
  });
});

describe.each([
  ["7 minutes behind", -7 * MINUTE, "ETHUSDT"],
  ["3 days behind", -3 * DAY, "BNBUSDT"],
  ["90 seconds ahead", 90_000, "BTCUSDT"],
] as const)("an exchange whose clock is %s", (_, offsetMs, symbol) => {
  const sync = syncOf(symbol);

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
    expect(await listAhead(Math.max(0, offsetMs))).toEqual([]);
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
