import { describe, expect, test } from "vitest";
import { type Gap, type Life, type PageFacts, planGaps } from "../../runner/src/candle/gap.ts";
import { isDue } from "../../runner/src/candle/gap-due.ts";
import type { Span } from "../../runner/src/candle/span.ts";
import { DAY, gridOf, HOUR, MINUTE } from "../support/candle/arbitraries.ts";

const grid = gridOf("1h", Date.parse("2024-02-28T00:00:00Z"));
const START = Date.parse("2024-03-05T00:00:00Z");
const LISTED: Life = { firstCandle: grid.at(-1_000), trading: true, lastTs: grid.at(50) };

/** A gap log in which time passes: `ask` brings an answer for slots 0 to 9 and keeps what the rules make of it. */
function createLog(life: Life = LISTED) {
  let [gaps, now, count, covered]: [readonly Gap[], number, number, Span | null] = [[], START, 0, null];
  const whole = grid.span(0, 10);
  return {
    get gaps() {
      return gaps;
    },
    wait(ms: number) {
      now += ms;
    },
    ask(answer: Partial<PageFacts>) {
      const page = { span: whole, slots: [], rejected: new Map(), failure: null, ...answer };
      const changed = planGaps("1h", gaps, page, { covered, life, now, newId: () => `id-${count++}` });
      const replaced = new Set(changed.map(({ id }) => id));
      gaps = [...gaps.filter(({ id }) => !replaced.has(id)), ...changed].toSorted((a, b) => a.from - b.from);
      covered = whole;
      if (gaps.length > 20) throw new Error("the log doubles with each answer");
      return gaps;
    },
  };
}

const slots = (...indexes: number[]) => indexes.map(grid.at);
const allBut = (...indexes: number[]) =>
  slots(...Array.from({ length: 10 }, (_, i) => i).filter((i) => !indexes.includes(i)));
const broken = (...indexes: number[]) =>
  new Map(slots(...indexes).map((slot) => [slot, { reason: "negative volume", raw: "[1]" }]));

describe("the re-check ladder", () => {
  test("asks again after 1 h, 1 d, 7 d, 30 d and then every 90 d, without an end", () => {
    const log = createLog();
    const waits: number[] = [];
    for (let answer = 0; answer < 8; answer += 1) {
      const [gap] = log.ask({ slots: allBut(4) });
      const now = START + waits.reduce((sum, wait) => sum + wait, 0);
      expect(gap?.attempts).toBe(answer + 1);
      waits.push((gap?.nextCheckAt ?? 0) - now);
      log.wait(waits.at(-1) ?? 0);
    }
    const days = [1, 7, 30, 90, 90, 90, 90];
    expect(waits).toEqual([HOUR, ...days.map((count) => count * DAY)]);
  });

  test("does not climb by an answer before its time", () => {
    const log = createLog();
    const [first] = log.ask({ slots: allBut(4) });
    log.wait(HOUR - 1);
    expect(log.ask({ slots: allBut(4) })).toEqual([first]);
    log.wait(1);
    expect(log.ask({ slots: allBut(4) })).toMatchObject([{ attempts: 2 }]);
  });

  test("begins anew when the reason changes", () => {
    const log = createLog();
    log.ask({ slots: allBut(4) });
    log.wait(HOUR);
    log.ask({ slots: allBut(4) });
    log.wait(DAY);
    const [gap] = log.ask({ slots: allBut(4), rejected: broken(4) });
    expect(gap).toMatchObject({ reason: "invalid", state: "open", attempts: 1 });
    expect(gap?.evidence).toEqual({ error: "negative volume", raw: "[1]" });
    expect(gap?.nextCheckAt).toBe(START + HOUR + DAY + HOUR);
  });

  test("is due from its moment on, and never for what is repaired", () => {
    const [gap] = createLog().ask({ slots: allBut(4) });
    if (gap === undefined) throw new Error("an absent slot must be a gap");
    expect(isDue(gap, START + HOUR - 1)).toBe(false);
    expect(isDue(gap, START + HOUR)).toBe(true);
    expect(isDue({ ...gap, nextCheckAt: null }, START + DAY)).toBe(false);
    expect(isDue({ ...gap, state: "repaired" }, START + DAY)).toBe(false);
  });
});

describe("confirmed_absent", () => {
  test("takes two answers at least an hour apart", () => {
    const log = createLog();
    expect(log.ask({ slots: allBut(4, 5) })).toMatchObject([{ state: "open", ...grid.span(4, 6) }]);
    log.wait(HOUR);
    expect(log.ask({ slots: allBut(4, 5) })).toMatchObject([{ state: "confirmed_absent", attempts: 2 }]);
  });

  test("is not reached by two answers within an hour, with a failure between them that made the gap due", () => {
    const log = createLog();
    log.ask({ slots: allBut(4) });
    log.wait(MINUTE);
    expect(log.ask({ failure: "HTTP 500" })).toMatchObject([
      { state: "open", reason: "absent", attempts: 1 },
    ]);
    log.wait(MINUTE);
    expect(log.ask({ slots: allBut(4) })).toMatchObject([{ state: "open", attempts: 2 }]);
  });

  test("is never reached by failures", () => {
    const log = createLog();
    for (let hour = 0; hour < 50; hour += 1) {
      log.ask({ failure: "no complete answer in time" });
      log.wait(HOUR);
    }
    expect(log.gaps).toMatchObject([{ state: "open", reason: "failed", attempts: 0, ...grid.span(0, 10) }]);
  });

  test("is never reached by broken rows", () => {
    const log = createLog();
    for (let day = 0; day < 10; day += 1) {
      log.ask({ slots: allBut(4), rejected: broken(4) });
      log.wait(90 * DAY);
    }
    expect(log.gaps).toMatchObject([{ state: "open", reason: "invalid", attempts: 10 }]);
  });

  test("survives a failure and ends when the candle appears after all", () => {
    const log = createLog();
    log.ask({ slots: allBut(4) });
    log.wait(HOUR);
    const [confirmed] = log.ask({ slots: allBut(4) });
    log.wait(DAY);
    expect(log.ask({ failure: "HTTP 503" })).toMatchObject([{ state: "confirmed_absent", attempts: 2 }]);
    expect(log.ask({ slots: allBut() })).toMatchObject([
      { id: confirmed?.id, state: "repaired", nextCheckAt: null },
    ]);
  });
});

describe("a symbol's life", () => {
  test("what ends at or before the first candle is before_listing", () => {
    const log = createLog({ ...LISTED, firstCandle: grid.at(3) + 37 * MINUTE });
    expect(log.ask({ slots: slots(3, 4, 5, 6, 7, 8, 9) })).toMatchObject([
      { state: "before_listing", ...grid.span(0, 3) },
    ]);
  });

  test("the slot in which the listing lies is not before it", () => {
    const log = createLog({ ...LISTED, firstCandle: grid.at(3) + 37 * MINUTE });
    expect(log.ask({ slots: slots(4, 5, 6, 7, 8, 9) })).toMatchObject([
      { state: "open", ...grid.span(0, 4) },
    ]);
  });

  test("without a known first candle nothing is before_listing", () => {
    const log = createLog({ ...LISTED, firstCandle: null });
    expect(log.ask({ slots: slots(5, 6, 7, 8, 9) })).toMatchObject([{ state: "open", ...grid.span(0, 5) }]);
  });

  test("what begins behind the last candle of a symbol that trades no more is after_delisting", () => {
    const log = createLog({ ...LISTED, trading: false, lastTs: grid.at(6) });
    const answer = { slots: allBut(2, 7, 8, 9) };
    expect(log.ask(answer)).toMatchObject([
      { state: "open", ...grid.span(2, 3) },
      { state: "after_delisting", ...grid.span(7, 10) },
    ]);
    log.wait(HOUR);
    expect(log.ask(answer).map(({ state }) => state)).toEqual(["confirmed_absent", "after_delisting"]);
  });

  test("the same silence of a symbol that trades is an open gap", () => {
    const log = createLog({ ...LISTED, lastTs: grid.at(6) });
    expect(log.ask({ slots: allBut(7, 8, 9) })).toMatchObject([{ state: "open", ...grid.span(7, 10) }]);
  });
});

describe("evidence", () => {
  test("of an absence are its neighbours in the same answer and the first answer without it", () => {
    const log = createLog();
    log.ask({ slots: slots(2, 3, 6, 7) });
    const at = (index: number) => grid.at(index);
    expect(log.gaps.map(({ evidence }) => evidence)).toEqual([
      { absentSince: START, before: null, after: at(2) },
      { absentSince: START, before: at(3), after: at(6) },
      { absentSince: START, before: at(7), after: null },
    ]);
    log.wait(HOUR);
    expect(log.ask({ slots: slots(2, 3, 6, 7) })[1]?.evidence.absentSince).toBe(START);
  });

  test("of a failure is its message, beside what was known before", () => {
    const log = createLog();
    log.ask({ slots: allBut(4) });
    const [gap] = log.ask({ failure: "HTTP 500" });
    expect(gap?.evidence).toEqual({
      error: "HTTP 500",
      absentSince: START,
      before: grid.at(3),
      after: grid.at(5),
    });
  });
});

test("a gap that is filled in its middle keeps its id on one piece and gives the filled slots to history", () => {
  const log = createLog();
  const [whole] = log.ask({ failure: "HTTP 500" });
  const pieces = log.ask({ span: grid.span(3, 7), slots: slots(4, 5) });
  expect(pieces).toMatchObject([
    { ...grid.span(0, 3), state: "open", reason: "failed", id: whole?.id },
    { ...grid.span(3, 4), state: "open", reason: "absent" },
    { ...grid.span(4, 6), state: "repaired" },
    { ...grid.span(6, 7), state: "open", reason: "absent" },
    { ...grid.span(7, 10), state: "open", reason: "failed" },
  ]);
  expect(new Set(pieces.map(({ id }) => id)).size).toBe(5);
});

test("a failed page over stored slots and gaps logs none of the stored ones", () => {
  const log = createLog();
  const before = log.ask({ slots: allBut(2, 7) });
  expect(log.ask({ failure: "HTTP 500" }).map(({ id, from, to }) => ({ id, from, to }))).toEqual(
    before.map(({ id, from, to }) => ({ id, from, to })),
  );
});

test("an answer without slots that are stored makes no gaps of them", () => {
  const log = createLog();
  log.ask({ slots: allBut() });
  expect(log.ask({ slots: slots(9) })).toEqual([]);
});
