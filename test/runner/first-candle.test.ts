import { describe, expect, test } from "vitest";
import {
  type FirstFacts,
  isPossibleFirst,
  judgeFirst,
  needOfFirst,
} from "../../runner/src/candle/first-candle.ts";
import { DAY, HOUR } from "../support/candle/arbitraries.ts";

const NOW = Date.parse("2026-05-01T12:00:00Z");
const FIRST = Date.parse("2020-09-01T08:07:00Z");
const RUN = NOW - 1_000;
const facts = (more: Partial<FirstFacts> = {}): FirstFacts => ({
  interval: "1m",
  firstCandle: FIRST,
  firstEvidence: { askedAt: NOW - 2 * DAY, since: NOW - 9 * DAY, exchange: "x", refuted: [] },
  lastTs: NOW - 60_000,
  ...more,
});
const evidence = (askedAt: number, since: number) => ({ askedAt, since, exchange: "x", refuted: [] });

test.each([
  null,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  0,
  Date.UTC(2016, 11, 31),
  NOW + 1,
  Date.UTC(2105, 0, 1),
])("%s is no first candle, and a series cannot be planned with it", (firstCandle) => {
  expect(isPossibleFirst(firstCandle, NOW)).toBe(false);
  expect(needOfFirst(facts({ firstCandle }), "at-times", NOW, RUN)).toBe("must");
});

describe("the first candle is asked for again", () => {
  test("by every run while the series is empty", () => {
    expect(needOfFirst(facts({ lastTs: null }), "at-times", NOW, RUN)).toBe("should");
  });

  test("where a stored candle is older, by slot and not by minute", () => {
    expect(needOfFirst(facts({ lastTs: FIRST - 1 }), "at-times", NOW, RUN)).toBe("should");
    const day = facts({ interval: "1d", lastTs: Date.parse("2020-09-01T00:00:00Z") });
    expect(needOfFirst(day, "at-times", NOW, RUN)).toBe("no");
  });

  test("by each backfill, once a run", () => {
    expect(needOfFirst(facts(), "always", NOW, RUN)).toBe("should");
    expect(needOfFirst(facts({ firstEvidence: evidence(RUN + 1, FIRST) }), "always", NOW, RUN)).toBe("no");
  });

  test("by a sync a second time after an hour, then after 30 days, by few at once", () => {
    const need = (askedAgo: number, sinceAgo: number) =>
      needOfFirst(facts({ firstEvidence: evidence(NOW - askedAgo, NOW - sinceAgo) }), "at-times", NOW, RUN);
    expect(need(59 * 60_000, 59 * 60_000)).toBe("no");
    expect(need(HOUR, HOUR)).toBe("may");
    expect(need(HOUR, 2 * HOUR)).toBe("no");
    expect(need(30 * DAY, 40 * DAY)).toBe("may");
    expect(needOfFirst(facts({ firstEvidence: null }), "at-times", NOW, RUN)).toBe("may");
  });

  test("by a sync of everything until it is proven, then daily", () => {
    const need = (askedAgo: number, sinceAgo: number) =>
      needOfFirst(facts({ firstEvidence: evidence(NOW - askedAgo, NOW - sinceAgo) }), "daily", NOW, RUN);
    expect(need(5_000, 5_000)).toBe("should");
    expect(need(5_000, HOUR + 5_000)).toBe("no");
    expect(need(DAY, 9 * DAY)).toBe("should");
  });

  test("where its evidence is of a time beyond now, which would put it off for ever", () => {
    const beyond = facts({ firstEvidence: evidence(Date.UTC(2105, 0, 1), NOW) });
    expect(needOfFirst(beyond, "at-times", NOW, RUN)).toBe("may");
    expect(needOfFirst(beyond, "daily", NOW, RUN)).toBe("should");
    expect(needOfFirst(beyond, "always", NOW, RUN)).toBe("should");
  });
});

describe("an answer", () => {
  test("that is the same is one more proof of it", () => {
    expect(judgeFirst(facts(), FIRST, NOW, "y")).toEqual({
      firstCandle: FIRST,
      firstEvidence: { askedAt: NOW, since: NOW - 9 * DAY, exchange: "y", refuted: [] },
    });
  });

  test("that is earlier replaces what was believed, which is remembered as wrong", () => {
    expect(judgeFirst(facts(), FIRST - DAY, NOW, "y")).toEqual({
      firstCandle: FIRST - DAY,
      firstEvidence: { askedAt: NOW, since: NOW, exchange: "y", refuted: [FIRST] },
    });
  });

  test("that is later refutes nothing: a mirror may keep a month", () => {
    expect(judgeFirst(facts(), FIRST + DAY, NOW, "y")).toMatchObject({
      firstCandle: FIRST,
      firstEvidence: { since: NOW },
    });
  });

  test("replaces a time that cannot be", () => {
    const wrong = Date.UTC(2105, 0, 1);
    expect(judgeFirst(facts({ firstCandle: wrong }), FIRST, NOW, "y").firstCandle).toBe(FIRST);
    expect(judgeFirst(facts({ firstCandle: Number.NaN }), FIRST, NOW, "y")).toMatchObject({
      firstCandle: FIRST,
      firstEvidence: { refuted: [] },
    });
  });

  test("remembers five wrong ones at most", () => {
    let next = facts();
    for (let day = 1; day <= 9; day += 1)
      next = { ...next, ...judgeFirst(next, FIRST - day * DAY, NOW, "y") };
    expect(next.firstEvidence?.refuted).toHaveLength(5);
  });
});
