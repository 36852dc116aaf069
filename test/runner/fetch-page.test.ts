import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Span } from "../../runner/src/candle/span.ts";
import { TryAgain } from "../../runner/src/errors.ts";
import type { CandleSource } from "../../runner/src/exchange/exchange.ts";
import { ExchangeFailure, type FailureKind } from "../../runner/src/exchange/failure.ts";
import { fetchPage, type PageSource } from "../../runner/src/sync/fetch-page.ts";
import { gridOf, MINUTE, rowAt } from "../support/candle/arbitraries.ts";

const naps: number[] = [];
vi.mock("../../runner/src/sleep.ts", () => ({
  sleep: async (ms: number) => naps.push(ms),
}));
beforeEach(() => {
  naps.length = 0;
});

const { at, span } = gridOf("1m", Date.parse("2024-02-29T23:00:00Z"));
const rows = (...indexes: number[]) => indexes.map((index) => rowAt("1m", at(index)));

const pageSource = (source: CandleSource, now: number): PageSource => ({
  ...{ source, now: () => now, symbol: "BTCUSDT", interval: "1m" },
  signal: new AbortController().signal,
});

/** Asks for slots `from` to `to`; the exchange gives one of `answers` after the other. */
async function ask(now: number, from: number, to: number, answers: readonly (readonly unknown[] | Error)[]) {
  const asked: Span[] = [];
  const source: CandleSource = {
    async fetchRows(_symbol, _interval, { from, to }) {
      const wanted = { from, to };
      const answer = answers[asked.length];
      asked.push(wanted);
      if (answer instanceof Error) throw answer;
      return answer ?? [];
    },
  };
  const task = { ...span(from, to), kind: "fetch" } as const;
  const page = await fetchPage(pageSource(source, now), task);
  return { ...page, asked };
}

describe("fetchPage", () => {
  test("brings candles and facts of its span in one request", async () => {
    const { facts, candles, failure, asked } = await ask(at(60), 0, 3, [rows(0, 2)]);
    expect(asked).toEqual([span(0, 3)]);
    expect(candles.map(({ openTime }) => openTime)).toEqual([at(0), at(2)]);
    expect(facts).toEqual({ span: span(0, 3), slots: [at(0), at(2)], rejected: new Map(), failure: null });
    expect([failure, naps]).toEqual([null, []]);
  });

  test("asks nothing for the time before the listing", async () => {
    const source = { fetchRows: () => Promise.reject(new Error("asked")) };
    const task = { ...span(0, 3), kind: "before_listing" } as const;
    const page = await fetchPage(pageSource(source, at(60)), task);
    expect(page).toEqual({
      facts: { span: span(0, 3), slots: [], rejected: new Map(), failure: null },
      candles: [],
      failure: null,
    });
  });

  test("asks for the rest when misaligned rows fill an answer before its end", async () => {
    const odd = rowAt("1m", at(4) + 789);
    const first = [
      ...rows(...Array.from({ length: 5 }, (_, i) => i)),
      odd,
      ...rows(...Array.from({ length: 994 }, (_, i) => i + 5)),
    ];
    const { facts, candles, asked } = await ask(at(2_000), 0, 1_000, [first, rows(999)]);
    expect(asked).toEqual([span(0, 1_000), { from: at(998) + 1, to: at(1_000) }]);
    expect([candles.length, facts?.slots.length]).toEqual([1_001, 1_000]);
  });
});

describe("a full answer that does not reach the end of its page", () => {
  const full = (first: number) => Array.from({ length: 1_000 }, (_, index) => rowAt("1m", at(first) + index));

  test("is asked for its rest three times, then the page is garbage", async () => {
    const { asked, failure, facts } = await ask(at(2_000), 0, 1_000, [
      full(0),
      full(1),
      full(2),
      full(3),
      full(4),
    ]);
    expect(asked).toHaveLength(4);
    expect(failure).toMatchObject({ kind: "garbage" });
    expect(facts).toMatchObject({ slots: [], failure: "4 full answers did not reach the end of a page" });
  });

  test("and has no order brings each candle once, and a broken row behind its neighbour", async () => {
    const first = [...rows(...Array.from({ length: 999 }, (_, i) => i + 1)), ...rows(0)];
    const rest = [
      ...rows(...Array.from({ length: 997 }, (_, i) => i + 1)),
      rowAt("1m", at(998), { 0: "x" }),
      ...rows(999),
    ];
    const { candles, facts, asked } = await ask(at(2_000), 0, 1_000, [first, rest]);
    expect(asked).toHaveLength(2);
    expect(candles.map(({ openTime }) => openTime)).toEqual(Array.from({ length: 1_000 }, (_, i) => at(i)));
    expect([...(facts?.rejected.keys() ?? [])]).toEqual([at(998)]);
  });
});

test("a page of mostly broken rows is garbage, one with fewer keeps its sound ones and says of each why", async () => {
  const broken = (count: number) =>
    Array.from({ length: 1_000 }, (_, i) => rowAt("1m", at(i), i < count ? { 1: "x".repeat(400) } : {}));
  const { failure } = await ask(at(2_000), 0, 1_000, [broken(501)]);
  expect(failure?.message).toBe(
    `most rows of the page cannot be right, the first one: not a decimal: ${"x".repeat(40)}`,
  );
  const { facts, candles } = await ask(at(2_000), 0, 1_000, [broken(500)]);
  expect([candles.length, facts?.rejected.size]).toEqual([500, 500]);
  const raws = [...(facts?.rejected.values() ?? [])].map(({ raw }) => raw.length);
  expect([raws[0], raws.at(-1)]).toEqual([485, 60]);
  expect((await ask(at(2_000), 0, 100, [broken(100).slice(0, 100)])).facts?.rejected.size).toBe(100);
});

describe("a slot that is missing at the newest end", () => {
  test("is neither stored nor logged in its first two minutes, since it may still come", async () => {
    const now = at(60) + 30_000;
    expect((await ask(now, 50, 60, [rows(50, 51, 52, 53, 54, 55, 56)])).facts).toMatchObject({
      span: span(50, 58),
    });
    expect((await ask(now + 30_000, 50, 60, [rows(50, 51, 52, 53, 54, 55, 56)])).facts).toMatchObject({
      span: span(50, 59),
    });
    expect((await ask(now, 59, 60, [[]])).facts).toBeNull();
  });

  test("is asked for once more after a second when it alone is late", async () => {
    const { facts, asked } = await ask(at(60) + 400, 57, 60, [rows(57, 58), rows(57, 58, 59)]);
    expect([asked.length, naps]).toEqual([2, [1_000]]);
    expect(facts?.slots).toEqual([at(57), at(58), at(59)]);
  });

  test("is not waited for in a halt, nor long after its close", async () => {
    expect((await ask(at(60) + 400, 57, 60, [rows(57)])).asked).toHaveLength(1);
    expect((await ask(at(60) + 10 * MINUTE, 57, 60, [rows(57, 58)])).asked).toHaveLength(1);
    expect(naps).toEqual([]);
  });
});

describe("a request that failed for good", () => {
  test.each<FailureKind>(["timeout", "rate-limit", "unavailable", "garbage"])(
    "of kind %s is a fact about its whole span",
    async (kind) => {
      const error = new ExchangeFailure(kind, "HTTP 500");
      const { facts, candles, failure } = await ask(at(60), 57, 60, [error]);
      expect(facts).toEqual({ span: span(57, 60), slots: [], rejected: new Map(), failure: "HTTP 500" });
      expect([candles, failure]).toEqual([[], error]);
    },
  );

  test.each<FailureKind>(["bad-symbol", "bad-request"])(
    "of kind %s is no gap in time and comes out",
    async (kind) => {
      await expect(ask(at(60), 57, 60, [new ExchangeFailure(kind, "refused")])).rejects.toThrow("refused");
    },
  );

  test("because the run must end comes out too", async () => {
    await expect(ask(at(60), 57, 60, [new TryAgain("banned")])).rejects.toBeInstanceOf(TryAgain);
  });
});
