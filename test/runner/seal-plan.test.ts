import { describe, expect, test } from "vitest";
import { leafAt } from "../../runner/src/partition/layout.ts";
import {
  clip,
  describeLacks,
  judgeLeaf,
  type LeafFacts,
  listDue,
  mustRewrite,
  type SeriesLack,
  whyNotDue,
} from "../../runner/src/seal/seal-plan.ts";
import { DAY_MS, HOUR_MS } from "../../runner/src/time.ts";

const END = Date.UTC(2026, 2);
const leaf = (month: number, facts: Partial<LeafFacts> = {}): LeafFacts => ({
  ...leafAt("1m", Date.UTC(2026, month)),
  ...{ state: null, sealedAt: null, sealedPages: null },
  ...facts,
});
const february = leaf(1);
const gaps: SeriesLack = { symbol: "BTCUSDT", interval: "1m", kind: "gaps", slots: 3, from: END - HOUR_MS };
const full = { hasRows: true, damages: [], suspects: 0, lacks: [] };

describe("which leaves, in which order", () => {
  test("those that ended 48 hours ago: what a killed run left, then reopened ones, then the newest", () => {
    const leaves = [
      ...[leaf(0), leaf(1), leaf(2), leaf(3)],
      leaf(-1, { state: "open", sealedAt: 5 }),
      leaf(-2, { state: "sealing" }),
      leaf(-3, { state: "sealed", sealedAt: 5 }),
      leaf(-4, { state: "restoring", sealedAt: 5 }),
    ];
    const due = listDue(leaves, Date.UTC(2026, 3, 3, 1)).map(({ name }) => name.slice(-7));
    expect(due).toEqual(["2025_11", "2025_12", "2026_03", "2026_02", "2026_01"]);
    expect(listDue(leaves, Date.UTC(2026, 3, 2)).map(({ name }) => name.slice(-7))).not.toContain("2026_03");
  });

  test("what is asked for by name and not among them is told why", () => {
    expect(whyNotDue(leaf(0, { state: "sealed" }))).toBe("it is sealed");
    expect(whyNotDue(leaf(0, { state: "restoring" }))).toContain("restore is at work");
    expect(whyNotDue(february)).toContain("48 hours after 2026-03-01T00:00:00Z");
  });
});

describe("whether a leaf can be sealed", () => {
  test("when all is stored or explained; a leaf without candles has nothing to seal", () => {
    expect(judgeLeaf(february, full, END + 3 * DAY_MS)).toEqual({ action: "seal", why: null });
    expect(judgeLeaf(february, { ...full, hasRows: false }, END + 3 * DAY_MS).action).toBe("none");
  });

  test("with open gaps after 7 days, and they are named", () => {
    const content = { ...full, lacks: [gaps] };
    const named = "BTCUSDT 1m lacks 3 slots from 2026-02-28T23:00:00Z on (open gaps)";
    expect(judgeLeaf(february, content, END + 7 * DAY_MS - 1)).toEqual({
      action: "wait",
      why: `${named}; sealed with these from 2026-03-08T00:00:00Z on`,
    });
    expect(judgeLeaf(february, content, END + 7 * DAY_MS)).toEqual({
      action: "seal",
      why: `sealed with what is open: ${named}`,
    });
  });

  test("damaged never: then the copy of the damage would count as proved", () => {
    const damaged = { ...full, damages: ["checksum", "index"] };
    const { action, why } = judgeLeaf(february, damaged, END + 400 * DAY_MS);
    expect([action, why]).toEqual(["never", expect.stringContaining("(checksum, index): restore --damaged")]);
  });

  test("with suspects never", () => {
    const { action, why } = judgeLeaf(february, { ...full, suspects: 2 }, END + 400 * DAY_MS);
    expect([action, why]).toEqual(["never", expect.stringContaining("2 of its candles are suspect")]);
  });

  test("of many series that lack something five are named, so that the note has room for them", () => {
    const lacks = Array.from({ length: 60 }, () => ({ ...gaps, kind: "end" as const, slots: 44_640 }));
    const text = describeLacks(lacks);
    expect(text).toMatch(/not asked for yet, though the coin trades\).*; and 55 more series$/);
    expect(describeLacks([{ ...gaps, slots: 1 }])).toContain("lacks 1 slot from");
  });
});

test("a leaf is rewritten the first time, and where more than a fifth of its rows lie behind the ordered ones", () => {
  expect(mustRewrite({ sealedPages: null, rows: 100, beyond: 0 })).toBe(true);
  expect(mustRewrite({ sealedPages: 10, rows: 100, beyond: 20 })).toBe(false);
  expect(mustRewrite({ sealedPages: 10, rows: 100, beyond: 21 })).toBe(true);
});

test("a covered span is cut to the leaf", () => {
  const { span } = february;
  expect(clip({ from: 0, to: span.from + 5 }, span)).toEqual({ from: span.from, to: span.from + 5 });
  expect(clip({ from: span.to, to: span.to + 5 }, span)).toBe(null);
});
