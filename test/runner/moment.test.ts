import { describe, expect, test } from "vitest";
import { collectFaults, parseBackfillPeriod, parsePeriod } from "../../runner/src/commands/command.ts";
import { parseBeginning, parseMoment } from "../../runner/src/settings/moment.ts";

const NOW = Date.parse("2026-11-26T14:23:45.678Z");
const iso = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString());

describe("parseMoment", () => {
  test.each([
    ["now", "2026-11-26T14:23:45.678Z"],
    ["today", "2026-11-26T00:00:00.000Z"],
    ["yesterday", "2026-11-25T00:00:00.000Z"],
    ["-7d", "2026-11-19T14:23:45.678Z"],
    ["-12h", "2026-11-26T02:23:45.678Z"],
    ["-30m", "2026-11-26T13:53:45.678Z"],
    ["-2w", "2026-11-12T14:23:45.678Z"],
    ["-999999w", "1970-01-01T00:00:00.000Z"],
    ["1795651200000", "2026-11-26T00:00:00.000Z"],
    ["20260228", "2026-02-28T00:00:00.000Z"],
    ["2026-02-28", "2026-02-28T00:00:00.000Z"],
    ["2026-02-28T12:30+01:00", "2026-02-28T11:30:00.000Z"],
    ["2026-02-28 12:30", "2026-02-28T12:30:00.000Z"],
    ["2026-02-28 12:30:05Z", "2026-02-28T12:30:05.000Z"],
  ])("reads %s as %s", (text, expected) => {
    expect(iso(parseMoment(text, NOW))).toBe(expected);
  });

  test.each(["", "tomorrow", "7d", "-7", "-7y", "-d", "--7d", "179565120", "2026-1-1", "20260101-20260201"])(
    "refuses %j, and names the forms",
    (text) => {
      expect(() => parseMoment(text, NOW)).toThrow(
        `must be a time such as 2026-01-31, 2026-01-31T12:00, -7d (also m, h, w), yesterday, today, now or epoch ms (all UTC), not ${JSON.stringify(text)}; --from also takes a span: 2026-01-01..2026-02-01`,
      );
    },
  );

  test("says of seconds since 1970 that they are no milliseconds", () => {
    expect(() => parseMoment("1795651200", NOW)).toThrow(
      'not "1795651200", which looks like seconds: milliseconds have 13 digits',
    );
  });

  test.each(["2026-02-30", "20260230", "20261301"])("refuses %s, which is not in the calendar", (text) => {
    expect(() => parseMoment(text, NOW)).toThrow("is not a day of the calendar");
  });

  test("says of a broken ISO time what ISO demands", () => {
    expect(() => parseMoment("2026-01-01T12", NOW)).toThrow("must be YYYY-MM-DD or ISO 8601 in UTC");
  });
});

test.each([
  ["20260101-20260201", "2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z"],
  ["20260101-", "2026-01-01T00:00:00.000Z", undefined],
  ["1795651200000-1795737600000", "2026-11-26T00:00:00.000Z", "2026-11-27T00:00:00.000Z"],
  ["-7d", "2026-11-19T14:23:45.678Z", undefined],
  ["2026-01-01..2026-01-02", "2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z"],
  ["2026-01-01 05:00 .. 2026-01-01T06:00Z", "2026-01-01T05:00:00.000Z", "2026-01-01T06:00:00.000Z"],
  ["-7d..now", "2026-11-19T14:23:45.678Z", "2026-11-26T14:23:45.678Z"],
  ["2026-01-01..", "2026-01-01T00:00:00.000Z", undefined],
])("parseBeginning reads %s as a span", (text, from, to) => {
  const beginning = parseBeginning(text, NOW);
  expect([iso(beginning.from), iso(beginning.to)]).toEqual([from, to]);
});

describe("parsePeriod", () => {
  test("takes the end from a span in --from, and refuses a second one", () => {
    const faults = collectFaults();
    expect(parsePeriod(faults, { from: "20260101-20260201" })).toEqual({
      from: Date.UTC(2026, 0, 1),
      to: Date.UTC(2026, 1, 1),
    });
    expect(faults.list()).toEqual([]);
    parsePeriod(faults, { from: "20260101-20260201", to: "now" });
    expect(faults.list()).toEqual(["--from 20260101-20260201 has an end already: leave out --to"]);
  });

  test("refuses a span that ends before it begins, also one word of it", () => {
    const faults = collectFaults();
    parsePeriod(faults, { from: "20260201-20260101" });
    parsePeriod(faults, { from: "today", to: "-2d" });
    expect(faults.list().map((fault) => fault.split(" is ")[1]?.slice(0, 10))).toEqual([
      "not before",
      "not before",
    ]);
  });

  test("ends a backfill now, but for a span with an end of its own", () => {
    const faults = collectFaults();
    const begin = Date.now();
    const { from, to } = parseBackfillPeriod(faults, { from: "-1h" });
    expect((to ?? 0) - (from ?? 0)).toBeLessThanOrEqual(3_600_000 + 1_000);
    expect(to).toBeGreaterThanOrEqual(begin);
    expect(parseBackfillPeriod(faults, { from: "20260101-20260201" }).to).toBe(Date.UTC(2026, 1, 1));
    expect(faults.list()).toEqual([]);
  });
});
