import { describe, expect, test } from "vitest";
import { isThisHost } from "../../runner/src/db/connection/tls.ts";
import { TryAgain } from "../../runner/src/errors.ts";
import { believeClock, readServerTime } from "../../runner/src/exchange/belief/clock.ts";
import { believeFirstOpen, believeUsedWeight } from "../../runner/src/exchange/belief/numbers.ts";
import { DAY_MS, MINUTE_MS } from "../../runner/src/time.ts";
import { rowAt } from "../support/candle/arbitraries.ts";

const NOW = Date.parse("2026-11-26T12:00:30Z");

describe("readServerTime", () => {
  test.each([NOW, Date.UTC(2017, 0, 1), Date.UTC(2105, 0, 1)])("takes %d", (serverTime) => {
    expect(readServerTime({ serverTime })).toBe(serverTime);
  });

  test.each<[string, unknown]>([
    ["text", { serverTime: String(NOW) }],
    ["seconds", { serverTime: NOW / 1000 - 0.03 }],
    ["whole seconds", { serverTime: Math.floor(NOW / 1000) }],
    ["microseconds", { serverTime: NOW * 1000 }],
    ["nanoseconds", { serverTime: NOW * 1e6 }],
    ["a fraction", { serverTime: NOW + 0.5 }],
    ["0", { serverTime: 0 }],
    ["a negative number", { serverTime: -NOW }],
    ["NaN", { serverTime: Number.NaN }],
    ["null", { serverTime: null }],
    ["a list", { serverTime: [NOW] }],
    ["a truth", { serverTime: true }],
    ["no field", {}],
    ["no object", NOW],
    ["nothing", null],
    ["an inherited field", Object.create({ serverTime: NOW })],
  ])("takes %s for garbage", (_, answer) => {
    expect(() => readServerTime(answer)).toThrow(expect.objectContaining({ kind: "garbage" }));
  });
});

describe("believeClock", () => {
  const believe = (ours: number, database: number, isOneHost = false) =>
    believeClock({ exchangeMs: NOW, ourMs: NOW - ours, databaseMs: NOW - database, isOneHost });

  test.each<[string, number, number]>([
    ["agree", 0, 0],
    ["is 2 minutes ahead of both", 2 * MINUTE_MS, 2 * MINUTE_MS],
    ["is a day ahead of ours alone", DAY_MS, 0],
    ["is a day ahead of the database's alone", 0, DAY_MS],
    ["lies between the two", DAY_MS, -DAY_MS],
    ["is behind both", -DAY_MS, -1000 * DAY_MS],
  ])("goes by the exchange's clock where it %s", (_, ours, database) => {
    expect(believe(ours, database)).toBe(NOW);
  });

  test.each<[number, number]>([
    [2 * MINUTE_MS + 1, 2 * MINUTE_MS + 1],
    [7 * MINUTE_MS, 5 * MINUTE_MS],
    [3 * DAY_MS, 3 * DAY_MS],
  ])("refuses one that is %d and %d ms ahead, with the three times", (ours, database) => {
    expect(() => believe(ours, database)).toThrow(TryAgain);
    for (const ms of [NOW, NOW - ours, NOW - database])
      expect(() => believe(ours, database)).toThrow(new Date(ms).toISOString().replace(".000Z", "Z"));
    expect(() => believe(ours, database, true)).toThrow(/one clock\..*timedatectl/);
    expect(() => believe(ours, database, false)).not.toThrow(/one clock/);
  });
});

test.each<[string, boolean]>([
  ["postgresql://u:p@localhost:5432/r3a", true],
  ["postgresql://u:p@127.0.0.1/r3a", true],
  ["postgresql://u:p@[::1]:5432/r3a", true],
  ["postgresql://u@%2Ftmp%2Fsocket/r3a", true],
  ["postgresql://u@any/r3a?host=/var/run/postgresql", true],
  ["postgresql://u@db.example/r3a", false],
  ["postgresql://u@localhost.example/r3a", false],
  ["postgresql://u@127.1.example/r3a", false],
  ["postgresql://u@10.0.0.1/r3a", false],
])("%s is of this host: %s", (url, expected) => {
  expect(isThisHost(url)).toBe(expected);
});

test.each<[string | undefined, number | null]>([
  ["0", 0],
  ["6000", 6000],
  [" 42 ", 42],
  ["60000", 60_000],
  ["60001", null],
  ["1000000000000", null],
  ["2147483647", null],
  ["-5", null],
  ["1e3", null],
  ["1.5", null],
  ["NaN", null],
  ["Infinity", null],
  ["0x10", null],
  ["5, 7", null],
  ["many", null],
  ["", null],
  [undefined, null],
])("a used weight of %s is taken as %s", (header, weight) => {
  expect(believeUsedWeight(header)).toBe(weight);
});

describe("believeFirstOpen", () => {
  const listed = Date.parse("2017-08-17T04:00:00Z");

  test("gives the minute of the row, and null where there is no row", () => {
    expect(believeFirstOpen([rowAt("1m", listed)], NOW)).toBe(listed);
    expect(believeFirstOpen([rowAt("1m", listed + 789)], NOW)).toBe(listed);
    expect(believeFirstOpen([], NOW)).toBeNull();
    expect(believeFirstOpen([rowAt("1m", NOW - (NOW % MINUTE_MS))], NOW)).toBe(NOW - (NOW % MINUTE_MS));
  });

  test.each<[string, unknown]>([
    ["2105", rowAt("1m", Date.UTC(2105, 0, 1))],
    ["a minute that has not come", rowAt("1m", NOW - (NOW % MINUTE_MS) + MINUTE_MS)],
    ["0", rowAt("1m", 0)],
    ["2016", rowAt("1m", Date.UTC(2016, 0, 1))],
    ["seconds", rowAt("1m", listed / 1000)],
    ["microseconds", rowAt("1m", listed * 1000)],
    ["text", rowAt("1m", listed, { 0: String(listed) })],
    ["null", rowAt("1m", listed, { 0: null })],
    ["a broken row", rowAt("1m", listed, { 1: "-1" })],
    ["no row", listed],
    ["an empty row", []],
    ["nothing", null],
  ])("takes %s for garbage", (_, row) => {
    expect(() => believeFirstOpen([row], NOW)).toThrow(expect.objectContaining({ kind: "garbage" }));
  });
});
