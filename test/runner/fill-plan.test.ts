import { describe, expect, test } from "vitest";
import type { Gap } from "../../runner/src/candle/gap.ts";
import type { Span } from "../../runner/src/candle/span.ts";
import {
  countCandles,
  pageGaps,
  planBackfill,
  planRepair,
  planSync,
  type SeriesFacts,
} from "../../runner/src/sync/fill-plan.ts";
import { collect, DAY, gridOf, MINUTE } from "../support/candle/arbitraries.ts";

const grid = gridOf("1h", Date.parse("2024-02-29T00:00:00Z"));
const { at, span } = grid;
const NOW = at(3_000) + 12 * MINUTE;

const series = (facts: Partial<SeriesFacts> = {}): SeriesFacts => ({
  interval: "1h",
  covered: null,
  failed: [],
  unlisted: [],
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
  planSync(series(facts), { now: NOW, autoPeriod, fallbackStart: fallback }).tasks;

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
    expect(sync({ covered, failed }, at(0))).toEqual([
      fetch(2_995, 3_000),
      fetch(0, 10),
      fetch(1_500, 1_600),
    ]);
    const others = [gap(7, 8, { nextCheckAt: NOW + 1 })];
    expect(sync({ covered, failed: others }, at(0))).toEqual([fetch(2_995, 3_000)]);
  });

  test("asks once for a failure that its window holds anyway", () => {
    expect(sync({ covered: span(0, 3_000), failed: [gap(2_996, 3_000)] }, at(0))).toEqual([
      fetch(2_995, 3_000),
    ]);
  });
});

describe("planBackfill", () => {
  const planOf = (facts: Partial<SeriesFacts>, wanted: Span, again = false) =>
    planBackfill(series(facts), { wanted, now: NOW, again });
  const plan = (facts: Partial<SeriesFacts>, from: number, to: number) => planOf(facts, span(from, to)).tasks;

  test("asks an empty series for the span, oldest first", () => {
    expect(plan({}, 0, 1_200)).toEqual([fetch(0, 1_000), fetch(1_000, 1_200)]);
  });

  test("takes every slot that begins in the span, and none that is still running", () => {
    expect(planOf({}, { from: at(10) + 1, to: at(12) + 1 }).tasks).toEqual([fetch(11, 13)]);
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

  test("requests for the gaps in what is covered of the span", () => {
    const request = (covered: Span | null, from: number, to: number) =>
      planOf({ covered }, span(from, to)).gaps;
    const wanted = { which: "wanted", now: NOW };
    expect(request(span(0, 3_000), 10, 2_005)).toEqual({
      ...wanted,
      within: span(10, 2_005),
      listed: at(10),
    });
    expect(request(span(100, 200), 0, 2_000)).toEqual({ ...wanted, within: span(100, 200), listed: at(0) });
    expect([request(null, 0, 2_000), request(span(0, 10), 20, 30), request(null, 3_000, 3_100)]).toEqual([
      null,
      null,
      null,
    ]);
  });

  test("with `again` asks for what is stored too, since the listing", () => {
    const facts = { covered: span(500, 1_700), firstCandle: at(600) + 37 * MINUTE };
    expect(planOf(facts, span(0, 2_000), true)).toEqual({
      tasks: [
        fetch(1_700, 2_000),
        { ...span(600, 1_600), kind: "again" },
        { ...span(1_600, 1_700), kind: "again" },
        { ...span(0, 500), kind: "before_listing" },
      ],
      gaps: null,
    });
    expect(planOf(facts, span(0, 300), true).tasks).toEqual([{ ...span(0, 300), kind: "before_listing" }]);
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
    // candles are counted for requests only
    expect(countCandles("1h", plan({ firstCandle }, 0, 200))).toBe(100);
  });
});

describe("planRepair", () => {
  test("requests for what is due, or for all, and has no other step", () => {
    expect(planRepair(series(), NOW, false)).toEqual({ tasks: [], gaps: { which: "due", now: NOW } });
    const all = { which: "all", now: NOW, within: null };
    expect(planRepair(series(), NOW, true)).toEqual({ tasks: [], gaps: { ...all, listed: null } });
    const listed = series({ firstCandle: at(100) + 37 * MINUTE });
    expect(planRepair(listed, NOW, true)).toEqual({ tasks: [], gaps: { ...all, listed: at(100) } });
  });

  test("asks for what is not before the listing any more, and notes the rest as seen", () => {
    const before = { state: "before_listing", reason: "absent", nextCheckAt: NOW - DAY } as const;
    const facts = series({ covered: span(0, 200), unlisted: [gap(0, 100, before)], firstCandle: at(90) });
    expect(planRepair(facts, NOW, false).tasks).toEqual([fetch(90, 100)]);
    const firstEvidence = { askedAt: NOW, since: NOW, exchange: "", refuted: [] };
    expect(planRepair({ ...facts, firstEvidence }, NOW, false).tasks).toEqual([
      fetch(90, 100),
      { ...span(0, 90), kind: "before_listing" },
    ]);
  });
});

describe("pageGaps", () => {
  async function* read(...parts: readonly (readonly Span[])[]) {
    yield* parts;
  }
  const pages = (within: Span | null, ...parts: readonly (readonly Span[])[]) =>
    collect(pageGaps("1h", { which: "all", now: NOW, within, listed: null }, read(...parts)));

  test("asks for neighbours of one part together", async () => {
    expect(await pages(null, [span(0, 5), span(40, 41), span(2_000, 2_010)], [span(2_011, 2_012)])).toEqual([
      fetch(0, 41),
      fetch(2_000, 2_010),
      fetch(2_011, 2_012),
    ]);
  });

  test("asks for a long gap page by page, and for no more of it than lies within", async () => {
    expect(await pages(span(10, 1_500), [span(0, 2_500)])).toEqual([fetch(10, 1_010), fetch(1_010, 1_500)]);
    expect(await pages(span(10, 20), [span(0, 5), span(30, 31)])).toEqual([]);
  });
});
