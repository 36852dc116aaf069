import { beforeEach, describe, expect, test } from "vitest";
import {
  coveredOf,
  DAY,
  expectExit,
  expectWhole,
  gapsOf,
  HOUR,
  iso,
  MINUTE,
} from "../support/candle/series.ts";
import { expectInvariant, useWorld } from "../support/world.ts";

/** What a sync wants of symbols that list late, halt, or end. Each test takes a budget of its own: its clock jumps. */
const world = useWorld({ clock: { fixedMs: Date.parse("2024-03-01T00:00:30Z") } });

const clockAt = (ms: number) => world.exchange.set({ clock: { fixedMs: ms } });
const env = (since: number, more: Readonly<Record<string, string>> = {}) => ({
  FALLBACK_START: iso(since),
  ...more,
});
const pathsSince = (index: number) => world.exchange.requests.slice(index).map(({ path }) => path);

beforeEach(() => world.exchange.resetWeight());

describe("a symbol that lists late", () => {
  const listed = Date.parse("2024-03-15T08:07:00Z");

  test("is not known before its listing", async () => {
    clockAt(listed - DAY);
    expectExit(
      await world.run("sync 1h --symbols LATEUSDT", env(listed - 3 * DAY, { EGRESS_KEY: "l0" })),
      64,
    );
  });

  test("is asked for from its first candle on, and before it only the probe is sent", async () => {
    clockAt(listed + 10 * HOUR + 30_000);
    const asked = world.exchange.requests.length;
    const from = listed - 30 * DAY;
    expectExit(await world.run("sync 1m --symbols LATEUSDT", env(from, { EGRESS_KEY: "l1" })), 0);
    const starts = world.exchange.requests
      .slice(asked)
      .filter(({ path }) => path === "/api/v3/klines")
      .map(({ query }) => Number(new URLSearchParams(query).get("startTime")));
    expect(starts[0]).toBe(0);
    expect(starts.slice(1).toSorted()[0]).toBe(listed);
    await expectWhole(world, "LATEUSDT", "1m", listed);
  });

  test("has one gap before_listing after a backfill from earlier, which asks for the first candle alone", async () => {
    clockAt(listed + 10 * HOUR + 30_000);
    const from = Date.parse("2024-01-01T00:00:00Z");
    const asked = world.exchange.requests.length;
    const backfill = `backfill 1m --symbols LATEUSDT --from ${iso(from)} --to 2024-03-15T12:00:00Z`;
    expectExit(await world.run(backfill, { EGRESS_KEY: "l2" }), 0);
    const starts = world.exchange.requests
      .slice(asked)
      .filter(({ path }) => path === "/api/v3/klines")
      .map(({ query }) => new URLSearchParams(query));
    expect(starts.map((query) => [query.get("interval"), Number(query.get("startTime"))])).toEqual([
      ["1m", 0],
      ["1d", Date.UTC(2017, 0, 1)],
    ]);
    expect(await gapsOf(world, "LATEUSDT", "1m")).toMatchObject([
      { from, to: listed, state: "before_listing", reason: "absent" },
    ]);
    expect((await coveredOf(world, "LATEUSDT", "1m"))?.[0]).toBe(from);
    await expectInvariant(world);
    const again = world.exchange.requests.length;
    expectExit(await world.run(`gaps --repair --symbols LATEUSDT`, { EGRESS_KEY: "l2" }), 0);
    expect(pathsSince(again)).not.toContain("/api/v3/klines");
  });
});

test("the halts of a symbol are gaps, and a candle that a halt cuts is stored", async () => {
  const from = Date.parse("2024-02-10T00:00:00Z");
  clockAt(from + 9 * HOUR + 30_000);
  for (const interval of ["1m", "1h"])
    expectExit(await world.run(`sync ${interval} --symbols HALTUSDT`, env(from, { EGRESS_KEY: "h" })), 0);
  const halt = { from: from + 2 * HOUR, state: "open", reason: "absent" };
  expect(await gapsOf(world, "HALTUSDT", "1m")).toMatchObject([{ ...halt, to: from + 5.5 * HOUR }]);
  expect(await gapsOf(world, "HALTUSDT", "1h")).toMatchObject([{ ...halt, to: from + 5 * HOUR }]);
  const hours = await world.stored("HALTUSDT", "1h");
  expect(hours).toEqual(world.truth("HALTUSDT", "1h", from, from + 9 * HOUR));
  expect(hours.map(([open]) => open)).toContain(from + 5 * HOUR);
  await expectInvariant(world);
});

describe("a symbol that was delisted", () => {
  const end = Date.parse("2024-06-30T03:00:00Z");
  const from = end - 10 * HOUR;
  const sync = (ms: number) => {
    clockAt(ms);
    return world.run("sync 1m --symbols GONEUSDT", env(from, { EGRESS_KEY: "g" }));
  };

  test("is stored to its last candle, and the rest is one gap after_delisting that does not grow a row a run", async () => {
    for (const later of [6 * HOUR, 7 * HOUR, 7 * HOUR + 10 * MINUTE])
      expectExit(await sync(end + later + 30_000), 0);
    expect(await world.stored("GONEUSDT", "1m")).toEqual(world.truth("GONEUSDT", "1m", from, end));
    expect(await gapsOf(world, "GONEUSDT", "1m")).toMatchObject([
      { from: end, to: end + 7 * HOUR + 8 * MINUTE, state: "after_delisting", reason: "absent" },
    ]);
    await expectInvariant(world);
  });
});
