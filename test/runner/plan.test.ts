import { describe, expect, test } from "vitest";
import type { Gap } from "../../runner/src/candle/gap.ts";
import {
  countCandles,
  planBackfill,
  planRepair,
  planSync,
  type SeriesFacts,
} from "../../runner/src/sync/plan.ts";
import { DAY, gridOf, HOUR, MINUTE } from "./arbitraries.ts";

const grid = gridOf("1h", Date.parse("2024-02-29T00:00:00Z"));
const { at, span } = grid;
const NOW = at(3_000) + 12 * MINUTE;

const series = (facts: Partial<SeriesFacts> = {}): SeriesFacts => ({
  interval: "1h",
  covered: null,
  gaps: [],
  firstCandle: null,
  ...facts,
});
const gap = (from: number, to: number, facts: Partial<Gap> = {}): Gap => ({
  ...span(from, to),
  id: `${from}-${to}`,
  state: "open",
  reason: "failed",
  attempts: 0,
  evidence: {},
  nextCheckAt: NOW,
  ...facts,
});
const fetch = (from: number, to: number) => ({ ...span(from, to), kind: "fetch" });
const sync = (facts: Partial<SeriesFacts>, fallback: number, autoPeriod = true) =>
  planSync(series(facts), { now: NOW, autoPeriod, fallbackStart: fallback });

describe("planSync", () => {
  test("asks a new series for everything since the fallback, oldest first, without the running candle", () => {
    expect(sync({}, at(500))).toEqual([fetch(500, 1_500), fetch(1_500, 2_500), fetch(2_500, 3_000)]);
  });

  test("begins at the first whole slot behind a fallback that lies inside of one", () => {
    expect(sync({}, at(2_500) + 1)).toEqual([fetch(2_501, 3_000)]);
  });

  test("begins a later listing at its own slot, also when it listed inside of it", () => {
    expect(sync({ firstCandle: at(2_700) + 37 * MINUTE }, at(500))).toEqual([fetch(2_700, 3_000)]);
  });

  test("asks nothing between a backfill that ended before the listing and the listing", () => {
    const facts = { covered: span(500, 1_000), firstCandle: at(2_700) + 37 * MINUTE };
    expect(sync(facts, at(0))).toEqual([
      { ...span(1_000, 2_700), kind: "before_listing" },
      fetch(2_700, 3_000),
    ]);
  });

  test("asks again for the newest stored candle and four before it", () => {
    expect(sync({ covered: span(500, 2_990) }, at(500))).toEqual([fetch(2_985, 3_000)]);
    expect(sync({ covered: span(2_989, 2_990) }, at(500))).toEqual([fetch(2_989, 3_000)]);
  });

  test("asks a series that is up to date for its overlap alone", () => {
    expect(sync({ covered: span(500, 3_000) }, at(500))).toEqual([fetch(2_995, 3_000)]);
  });

  test("has nothing to do before the fallback, and never asks for time to come", () => {
    expect(sync({}, NOW)).toEqual([]);
    expect(sync({}, NOW + DAY)).toEqual([]);
    expect(sync({ covered: span(500, 3_010) }, at(500))).toEqual([]);
  });

  test("with AUTO_PERIOD off also asks for what lies before, newest first, so that each page touches what is stored", () => {
    const older = [fetch(900, 1_900), fetch(500, 900)];
    expect(sync({ covered: span(1_900, 3_000) }, at(500), false)).toEqual([fetch(2_995, 3_000), ...older]);
    expect(sync({ covered: span(1_900, 3_000) }, at(500), true)).toEqual([fetch(2_995, 3_000)]);
    expect(sync({ covered: span(1_900, 3_000), firstCandle: at(1_900) }, at(500), false)).toEqual([
      fetch(2_995, 3_000),
    ]);
  });

  test("heals what failed and is due, at most two pages of it, and leaves the rest to the repair", () => {
    const covered = span(0, 3_000);
    const failed = [gap(0, 10), gap(1_500, 1_600), gap(2_700, 2_701)];
    expect(sync({ covered, gaps: failed }, at(0))).toEqual([
      fetch(2_995, 3_000),
      fetch(0, 10),
      fetch(1_500, 1_600),
    ]);
    const others = [
      gap(5, 6, { reason: "absent" }),
      gap(7, 8, { nextCheckAt: NOW + 1 }),
      gap(8, 9, { reason: "not_requested" }),
    ];
    expect(sync({ covered, gaps: others }, at(0))).toEqual([fetch(2_995, 3_000)]);
  });

  test("asks once for a failure that its window holds anyway", () => {
    expect(sync({ covered: span(0, 3_000), gaps: [gap(2_996, 3_000)] }, at(0))).toEqual([
      fetch(2_995, 3_000),
    ]);
  });
});

describe("planBackfill", () => {
  const plan = (facts: Partial<SeriesFacts>, from: number, to: number) =>
    planBackfill(series(facts), span(from, to), NOW);

  test("asks an empty series for the span, oldest first", () => {
    expect(plan({}, 0, 1_200)).toEqual([fetch(0, 1_000), fetch(1_000, 1_200)]);
  });

  test("takes every slot that begins in the span, and none that is still running", () => {
    expect(planBackfill(series(), { from: at(10) + 1, to: at(12) + 1 }, NOW)).toEqual([fetch(11, 13)]);
    expect(plan({}, 2_998, 3_100)).toEqual([fetch(2_998, 3_000)]);
    expect(plan({}, 3_001, 3_100)).toEqual([]);
  });

  test("asks for what is missing on both sides: before, newest first, and behind, oldest first", () => {
    expect(plan({ covered: span(1_200, 1_300) }, 0, 2_500)).toEqual([
      fetch(200, 1_200),
      fetch(0, 200),
      fetch(1_300, 2_300),
      fetch(2_300, 2_500),
    ]);
  });

  test("asks nothing where all is covered", () => {
    expect(plan({ covered: span(0, 3_000) }, 0, 3_000)).toEqual([]);
  });

  test("fills the gaps in the span, cut to it: what is due, and what was never asked for", () => {
    const gaps = [
      gap(0, 20, { reason: "not_requested", nextCheckAt: null }),
      gap(100, 110),
      gap(200, 210, { reason: "absent", nextCheckAt: NOW + 1 }),
      gap(2_000, 2_010, { reason: "absent", nextCheckAt: NOW - 1 }),
    ];
    expect(plan({ covered: span(0, 3_000), gaps }, 10, 2_005)).toEqual([fetch(10, 110), fetch(2_000, 2_005)]);
  });

  test("logs the time before the listing without a request, and once", () => {
    const firstCandle = at(100) + 37 * MINUTE;
    const before = { ...span(0, 100), kind: "before_listing" };
    expect(plan({ firstCandle }, 0, 200)).toEqual([fetch(100, 200), before]);
    expect(plan({ firstCandle }, 0, 50)).toEqual([{ ...span(0, 50), kind: "before_listing" }]);
    expect(plan({ firstCandle, covered: span(50, 200) }, 0, 200)).toEqual([
      { ...span(0, 50), kind: "before_listing" },
    ]);
    expect(plan({ firstCandle, covered: span(0, 200) }, 0, 200)).toEqual([]);
  });

  test("asks nothing for the time before the listing, however old that knowledge is", () => {
    const gaps = [gap(0, 2_900, { state: "before_listing", reason: "absent", nextCheckAt: NOW - DAY })];
    expect(plan({ covered: span(0, 3_000), firstCandle: at(2_900), gaps }, 0, 3_000)).toEqual([]);
  });
});

describe("planRepair", () => {
  const gaps = [
    gap(0, 5),
    gap(10, 20, { state: "confirmed_absent", reason: "absent", nextCheckAt: NOW + HOUR }),
    gap(40, 41, { state: "after_delisting", reason: "absent", nextCheckAt: NOW - HOUR }),
    gap(2_000, 2_010, { reason: "not_requested", nextCheckAt: null }),
  ];

  test("asks for what is due, in whatever state, neighbours together", () => {
    expect(planRepair(series({ gaps }), NOW, false)).toEqual([fetch(0, 41)]);
    expect(planRepair(series({ gaps: gaps.slice(1, 2) }), NOW, false)).toEqual([]);
  });

  test("asks for everything with all", () => {
    expect(planRepair(series({ gaps }), NOW, true)).toEqual([fetch(0, 41), fetch(2_000, 2_010)]);
  });

  test("asks nothing for the time before the listing, due or not", () => {
    const before = [gap(0, 2_900, { state: "before_listing", reason: "absent", nextCheckAt: NOW - DAY })];
    expect(planRepair(series({ gaps: before }), NOW, false)).toEqual([]);
    expect(planRepair(series({ gaps: before }), NOW, true)).toEqual([]);
  });
});

test("candles are counted for requests only", () => {
  const tasks = planBackfill(series({ firstCandle: at(100) }), span(0, 1_300), NOW);
  expect(countCandles("1h", tasks)).toBe(1_200);
});
