import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type AskedGap,
  createAskedSpans,
  createComparison,
  type LoggedGap,
} from "../../runner/src/sync/asked-gaps.ts";
import { HOUR } from "../support/candle/arbitraries.ts";

const NOW = Date.UTC(2026, 0, 1);
const at = (slot: number) => Date.UTC(2024, 0, 1) + slot * HOUR;
const left = (symbol: string, from: number, to: number, more: Partial<LoggedGap> = {}): LoggedGap => ({
  symbol,
  from: at(from),
  to: at(to),
  state: "open",
  reason: "absent",
  error: null,
  nextCheckAt: NOW + HOUR,
  ...more,
});
const done = { outcome: "success", pages: 1, error: null } as const;

function compare(
  asked: readonly (readonly [symbol: string, from: number, to: number])[],
  log: readonly LoggedGap[],
  items: Readonly<
    Record<string, { outcome: "success" | "failure" | "skipped"; pages: number; error: string | null }>
  >,
): readonly AskedGap[] {
  const spans = createAskedSpans();
  for (const [symbol, from, to] of asked) spans.add(symbol, { from: at(from), to: at(to) });
  const facts = {
    interval: "1h",
    asked: spans.bySymbol,
    items: new Map(Object.entries(items)),
    now: NOW,
  } as const;
  const comparison = createComparison(facts);
  return [...log.flatMap((gap) => [...comparison.take(gap)]), ...comparison.end()];
}

describe("what became of a gap", () => {
  test("is told for each one, in order, whatever is left of it", () => {
    const asked = [
      ["A", 0, 2],
      ["A", 5, 9],
      ["A", 20, 21],
      ["B", 3, 4],
      ["C", 3, 4],
      ["D", 3, 4],
      ["E", 3, 4],
    ] as const;
    const log = [
      left("A", 6, 7),
      left("A", 8, 9),
      left("A", 20, 21, { state: "confirmed_absent" }),
      left("B", 3, 4, { nextCheckAt: NOW, error: "HTTP 503" }),
      left("C", 3, 4),
      left("D", 3, 4),
      left("E", 3, 4, { nextCheckAt: NOW }),
      left("Z", 3, 4),
    ];
    const failure = { outcome: "failure", pages: 0, error: "bad row" } as const;
    const items = { A: done, B: done, C: { ...done, outcome: "skipped" as const }, E: failure };
    expect(
      compare(asked, log, items).map(({ symbol, result, missing, candles }) => [
        symbol,
        result,
        missing,
        candles,
      ]),
    ).toEqual([
      ["A", "filled", 0, 2],
      ["A", "partly", 2, 4],
      ["A", "missing", 1, 1],
      ["B", "failed", 1, 1],
      ["C", "busy", 1, 1],
      ["D", "notAsked", 1, 1],
      ["E", "failed", 1, 1],
    ]);
    expect(compare(asked, log, items)[6]).toMatchObject({ error: "bad row" });
  });

  test("counts a row that lies over several gaps in each, and a gap over another one once", () => {
    const results = compare(
      [
        ["A", 0, 3],
        ["A", 1, 5],
        ["A", 2, 3],
        ["A", 6, 8],
      ],
      [left("A", 1, 7)],
      { A: done },
    );
    expect(results.map(({ from, to, missing }) => [from, to, missing])).toEqual([
      [at(0), at(3), 2],
      [at(3), at(5), 2],
      [at(6), at(8), 1],
    ]);
  });

  test("has each gap once, with the slots that the log still names", () => {
    const spans = fc.array(
      fc.tuple(fc.constantFrom("A", "B", "C"), fc.nat({ max: 30 }), fc.integer({ min: 1, max: 5 })),
      { maxLength: 12 },
    );
    const disjoint = (list: readonly (readonly [string, number, number])[]) => {
      const ends = new Map<string, number>();
      return list
        .toSorted(([a, from], [b, other]) => a.localeCompare(b) || from - other)
        .flatMap(([symbol, from, length]) => {
          if (from < (ends.get(symbol) ?? 0)) return [];
          ends.set(symbol, from + length);
          return [[symbol, from, from + length] as const];
        });
    };
    fc.assert(
      fc.property(spans, spans, (before, after) => {
        const asked = disjoint(before);
        const log = disjoint(after).map(([symbol, from, to]) => left(symbol, from, to));
        const results = compare(asked, log, { A: done, B: done, C: done });
        const expected = asked.map(([symbol, from, to]) => [
          symbol,
          at(from),
          log.reduce(
            (sum, gap) =>
              sum +
              (gap.symbol === symbol
                ? Math.max(0, Math.min(gap.to, at(to)) - Math.max(gap.from, at(from))) / HOUR
                : 0),
            0,
          ),
        ]);
        expect(results.map(({ symbol, from, missing }) => [symbol, from, missing])).toEqual(expected);
      }),
    );
  });
});
