import fc from "fast-check";
import { expect, test } from "vitest";
import { JOBS } from "../../infra/model/jobs.ts";
import { nextRuns } from "../../infra/model/schedule.ts";
import { listLastStarts } from "../../runner/src/doctor/last-starts.ts";

const field = (least: number, most: number) => {
  const value = fc.integer({ min: least, max: most });
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant("*") },
    fc.integer({ min: 1, max: 7 }).map((step) => `*/${step}`),
    fc.uniqueArray(value, { minLength: 1, maxLength: 3 }).map((values) => values.join(",")),
    fc.tuple(value, value).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
    fc
      .tuple(value, value, fc.integer({ min: 1, max: 5 }))
      .map(([a, b, step]) => `${Math.min(a, b)}-${Math.max(a, b)}/${step}`),
  );
};

test("the last starts are those that are counted forwards, the one at the moment itself among them", () => {
  const schedules = fc
    .tuple(
      field(0, 59),
      field(0, 23),
      fc.oneof(fc.constant("*"), field(1, 28)),
      fc.constantFrom("*", "*", "1-12/2", "jan-nov"),
      // both days named is a matter of its own, below
      fc.constant("*"),
    )
    .map((fields) => fields.join(" "));
  const moments = fc.integer({ min: Date.UTC(2025, 0), max: Date.UTC(2027, 0) });
  fc.assert(
    fc.property(schedules, moments, (schedule, ms) => {
      const starts = listLastStarts(schedule, ms, 3);
      expect(starts).toHaveLength(3);
      expect(starts).toEqual(starts.toSorted((a, b) => b - a));
      const oldest = starts.at(-1) ?? 0;
      const forwards = nextRuns(schedule, new Date(oldest - 1), starts.length + 1).map((run) =>
        run.getTime(),
      );
      expect(forwards.slice(0, -1)).toEqual(starts.toReversed());
      expect(forwards.at(-1)).toBeGreaterThan(ms);
    }),
    { numRuns: 300 },
  );
});

test("days of the week by number and name; where both kinds of days are named, either counts", () => {
  const sunday = Date.UTC(2026, 10, 22, 12);
  const days = (schedule: string) =>
    listLastStarts(schedule, sunday, 3).map((ms) => new Date(ms).getUTCDate());
  expect(days("0 6 * * 0")).toEqual([22, 15, 8]);
  expect(days("0 6 * * 7")).toEqual([22, 15, 8]);
  expect(days("0 6 * * mon-fri")).toEqual([20, 19, 18]);
  expect(days("0 6 21 * sun")).toEqual([22, 21, 15]);
});

test("a start at the very moment counts, and so does the last leap day", () => {
  const noon = Date.UTC(2026, 10, 22, 12);
  expect(listLastStarts("0 * * * *", noon, 2)).toEqual([noon, noon - 3_600_000]);
  expect(listLastStarts("0 * * * *", noon - 1, 1)).toEqual([noon - 3_600_000]);
  expect(listLastStarts("0 0 29 2 *", noon, 1)).toEqual([Date.UTC(2024, 1, 29)]);
  expect(listLastStarts("@daily", noon, 1)).toEqual([Date.UTC(2026, 10, 22)]);
});

test("every schedule of the table can be read", () => {
  for (const { schedule } of JOBS)
    expect([schedule, listLastStarts(schedule, Date.now(), 2).length]).toEqual([schedule, 2]);
});

test.each([
  "",
  "* * * *",
  "60 * * * *",
  "5-1 * * * *",
  "*/0 * * * *",
  "x * * * *",
  "0 0 30 2 *",
  "1- * * * *",
])("%j gives no start", (schedule) => {
  expect(listLastStarts(schedule, Date.UTC(2026, 5), 1)).toEqual([]);
});
