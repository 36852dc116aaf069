import fc from "fast-check";
import { slotOf } from "../../../runner/src/candle/interval.ts";
import type { Span } from "../../../runner/src/candle/span.ts";
import { INTERVALS, type Interval, WIDTH_MS } from "../../../runner/src/contract/intervals.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Moments where calendars go wrong: leap days, ends of years, months and quarters, the start of the exchange. */
export const MOMENTS = [
  "2017-08-17T04:00:00Z",
  "2020-02-29T00:00:00Z",
  "2020-02-29T23:59:30Z",
  "2020-12-31T23:59:59.999Z",
  "2021-01-01T00:00:00Z",
  "2023-12-31T23:00:00Z",
  "2024-02-29T12:34:56.789Z",
  "2024-03-01T00:00:00Z",
  "2024-10-01T00:00:00Z",
].map((text) => Date.parse(text));

export const anyInterval: fc.Arbitrary<Interval> = fc.constantFrom(...INTERVALS);
/** A time near one of the moments, to the millisecond. */
export const anyTime: fc.Arbitrary<number> = fc
  .tuple(fc.constantFrom(...MOMENTS), fc.integer({ min: -3 * DAY, max: 3 * DAY }))
  .map(([moment, offset]) => moment + offset);

/** A grid of `interval` from a slot near one of the moments: `at(3)` is its fourth slot. */
export type Grid = {
  readonly interval: Interval;
  at(index: number): number;
  span(from: number, to: number): Span;
};

export function gridOf(interval: Interval, origin: number): Grid {
  const start = slotOf(interval, origin);
  const at = (index: number) => start + index * WIDTH_MS[interval];
  return { interval, at, span: (from, to) => ({ from: at(from), to: at(to) }) };
}

export const anyGrid: fc.Arbitrary<Grid> = fc
  .tuple(anyInterval, anyTime)
  .map(([interval, origin]) => gridOf(interval, origin));

/** `[from, to)` with `0 <= from < to <= size`. */
export function anyRange(size: number): fc.Arbitrary<{ from: number; to: number }> {
  return fc
    .tuple(fc.nat({ max: size - 1 }), fc.integer({ min: 1, max: size }))
    .map(([from, length]) => ({ from, to: Math.min(size, from + length) }));
}

/** Every slot of the span. */
export function slotsIn(interval: Interval, { from, to }: Span): number[] {
  const slots: number[] = [];
  for (let slot = from; slot < to; slot += WIDTH_MS[interval]) slots.push(slot);
  return slots;
}

/** A sound row of the exchange; fields by position may be replaced. */
export function rowAt(
  interval: Interval,
  openTime: number,
  changed: Readonly<Record<number, unknown>> = {},
): unknown[] {
  const closeTime = slotOf(interval, openTime) + WIDTH_MS[interval] - 1;
  const row: unknown[] = [
    openTime,
    "10.5",
    "12.25",
    "9.75",
    "11",
    "3.5",
    closeTime,
    "37.1",
    42,
    "1.5",
    "16.2",
    "0",
  ];
  for (const [position, value] of Object.entries(changed)) row[Number(position)] = value;
  return row;
}

/** All that comes, in order. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
