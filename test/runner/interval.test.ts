import fc from "fast-check";
import { expect, test } from "vitest";
import { FINER, isInterval, slotAtOrAfter, slotOf } from "../../runner/src/candle/interval.ts";
import { INTERVALS, WIDTH_MS } from "../../runner/src/contract/intervals.ts";
import { anyInterval, anyTime, DAY } from "../support/candle/arbitraries.ts";

test("a slot begins at or before its time and ends after it", () => {
  fc.assert(
    fc.property(anyInterval, anyTime, (interval, ms) => {
      const slot = slotOf(interval, ms);
      expect(slot % WIDTH_MS[interval]).toBe(0);
      expect(slot).toBeLessThanOrEqual(ms);
      expect(slot + WIDTH_MS[interval]).toBeGreaterThan(ms);
      expect(slotAtOrAfter(interval, ms)).toBe(slot === ms ? ms : slot + WIDTH_MS[interval]);
    }),
  );
});

test.each([
  ["1m", "2018-02-09T09:28:14.789Z", "2018-02-09T09:28:00.000Z"],
  ["15m", "2020-02-29T23:59:59.999Z", "2020-02-29T23:45:00.000Z"],
  ["1h", "2024-02-29T12:00:00.000Z", "2024-02-29T12:00:00.000Z"],
  ["4h", "2023-12-31T23:59:59.999Z", "2023-12-31T20:00:00.000Z"],
  ["1d", "2024-02-29T23:59:59.999Z", "2024-02-29T00:00:00.000Z"],
] as const)("the %s slot of %s opens at %s", (interval, time, slot) => {
  expect(new Date(slotOf(interval, Date.parse(time))).toISOString()).toBe(slot);
});

test("a coarse interval is the whole sum of its finer one, and the day of all", () => {
  for (const interval of INTERVALS) {
    const finer = FINER[interval];
    if (finer === null) expect(interval).toBe("1m");
    else expect(WIDTH_MS[finer.fine] * finer.count).toBe(WIDTH_MS[interval]);
    expect(DAY % WIDTH_MS[interval]).toBe(0);
  }
});

test("intervals are a closed set in which case matters", () => {
  expect(INTERVALS.every(isInterval)).toBe(true);
  for (const text of ["1M", "5m", "1H", "1w", "", " 1m", "toString", "60m"])
    expect(isInterval(text)).toBe(false);
});
