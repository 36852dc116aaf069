import { describe, expect, test } from "vitest";
import { believeHold, parseHttpDate } from "../../runner/src/exchange/belief/hold.ts";
import { HOUR_MS } from "../../runner/src/time.ts";

const NOW = Date.parse("2026-11-26T12:00:00Z");
const DAYS_3 = 3 * 24 * HOUR_MS;
const hold = (status: number, retryAfter: string | undefined, body: string) =>
  believeHold({ status, retryAfter, body }, NOW);
const until = (ms: number) =>
  `{"code":-1003,"msg":"Way too much request weight used; IP banned until ${ms}."}`;

describe("Retry-After", () => {
  test.each<[string, number]>([
    ["7", 7_000],
    [" 7 ", 7_000],
    ["1.5", 1_500],
    ["1", 1_000],
    ["Thu, 26 Nov 2026 12:01:30 GMT", 90_000],
    ["Thursday, 26-Nov-26 12:01:30 GMT", 90_000],
    ["Thu Nov 26 12:01:30 2026", 90_000],
    ["Thu, 26 Nov 2026 12:01:30 gmt", 90_000],
  ])("of %s is read", (text, ms) => {
    expect(hold(429, text, "")).toBe(ms);
    expect(hold(418, text, "")).toBe(ms);
  });

  test.each(["1000000000", "31536000", "1795694400000", "9".repeat(20), "Fri, 01 Jan 2105 00:00:00 GMT"])(
    "of %s is cut to 3 days for a ban and to 1 hour else",
    (text) => {
      expect(hold(418, text, "")).toBe(DAYS_3);
      expect(hold(429, text, "")).toBe(HOUR_MS);
      expect(hold(503, text, "")).toBe(HOUR_MS);
    },
  );

  test.each([
    undefined,
    "",
    "0",
    "0.0",
    "0.0000001",
    "0.999",
    "-5",
    "1e3",
    "NaN",
    "Infinity",
    "0x10",
    "soon",
    "5, 7",
    "5;7",
    "1 minute",
    "9".repeat(21),
    "Thu, 26 Nov 2026 11:59:00 GMT",
    "Thu, 26 Nov 2026 12:01:30",
    "Thu, 31 Feb 2026 12:01:30 GMT",
    "Thu, 26 Foo 2026 12:01:30 GMT",
    "Thu, 26 Nov 2026 25:01:30 GMT",
    "2026-11-26T12:01:30Z",
  ])("of %s is not read, so the caller's default holds", (text) => {
    expect(hold(418, text, "{}")).toBeNull();
    expect(hold(429, text, "{}")).toBeNull();
  });
});

describe("the words of the body", () => {
  test.each<[string, number | null]>([
    [until(NOW + 90_000), 90_000],
    [until((NOW + 90_000) / 1000), 90_000],
    [until(NOW - 90_000), null],
    [until(NOW + 1), null],
    [until(NOW + 365 * 24 * HOUR_MS), DAYS_3],
    [until(NOW * 1000), null],
    [until(Number.NaN), null],
    ["banned", null],
  ])("of %s are read", (body, ms) => {
    expect(hold(418, undefined, body)).toBe(ms);
  });

  test("count beside the header: the longer one holds", () => {
    expect(hold(418, "3", until(NOW + 90_000))).toBe(90_000);
    expect(hold(418, "300", until(NOW + 90_000))).toBe(300_000);
    expect(hold(418, "0", until(NOW + 90_000))).toBe(90_000);
    expect(hold(418, "soon", until(NOW + 90_000))).toBe(90_000);
    expect(hold(429, "1", until(NOW + 2 * HOUR_MS))).toBe(HOUR_MS);
  });
});

test("a year of two digits is the one that is nearest, at most 50 years ahead", () => {
  expect(parseHttpDate("Sunday, 06-Nov-94 08:49:37 GMT", NOW)).toBe(Date.UTC(1994, 10, 6, 8, 49, 37));
  expect(parseHttpDate("Sunday, 06-Nov-76 08:49:37 GMT", NOW)).toBe(Date.UTC(2076, 10, 6, 8, 49, 37));
  expect(parseHttpDate("Sun Nov  6 08:49:37 1994", NOW)).toBe(Date.UTC(1994, 10, 6, 8, 49, 37));
});
