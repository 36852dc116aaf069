import pLimit from "p-limit";
import { describe, expect, test } from "vitest";
import type { Gap } from "../../runner/src/candle/gap.ts";
import { splitPages } from "../../runner/src/candle/page.ts";
import type { Span } from "../../runner/src/candle/span.ts";
import type { SeriesState } from "../../runner/src/db/series.ts";
import type { PageWrite } from "../../runner/src/db/store.ts";
import type { CandleSource } from "../../runner/src/exchange/exchange.ts";
import { ExchangeFailure } from "../../runner/src/exchange/failure.ts";
import { fillSeries, newTally } from "../../runner/src/sync/fill.ts";
import { gridOf, rowAt, slotsIn } from "../support/candle/arbitraries.ts";
import { makeSeries } from "../support/candle/candle-rows.ts";

const { at, span } = gridOf("1h", Date.parse("2024-02-29T00:00:00Z"));
const NOW = at(30_000);
const EMPTY = makeSeries("1h");

type Answers = (span: Span, request: number) => number[] | Error;

/** Fills slots 0 to `size`; every request is answered in a turn of its own, later ones first. */
function fill(
  size: number,
  answers: Answers,
  write: (page: PageWrite, index: number) => Promise<void> = async () => {},
  start: SeriesState & { readonly logFault?: Error } = EMPTY,
) {
  const [asked, written]: [Span[], PageWrite[]] = [[], []];
  const unused = () => Promise.reject(new Error("a page needs candles only"));
  const stop = new AbortController();
  const source: CandleSource = {
    async fetchRows(_symbol, _interval, { from, to }) {
      const wanted = { from, to };
      const request = asked.push(wanted) - 1;
      for (let turn = 0; turn < 40 - (request % 8) * 5; turn += 1) await Promise.resolve();
      const answer = answers(wanted, request);
      if (answer instanceof Error) throw answer;
      return answer.map((slot) => rowAt("1h", slot));
    },
  };
  const progress: number[] = [];
  const pageSlots = pLimit(32);
  const log = new Map<string, Gap>();
  const list = (keep: (gap: Gap) => boolean) =>
    [...log.values()]
      .filter((gap) => gap.state !== "repaired" && keep(gap))
      .toSorted((a, b) => a.from - b.from);
  const tally = newTally();
  const filled = fillSeries(
    {
      tally,
      source,
      now: () => NOW,
      gaps: {
        touching: async ({ from, to }) => {
          if (start.logFault !== undefined) throw start.logFault;
          return list((gap) => gap.from <= to && gap.to >= from);
        },
        delisted: async ({ from, to }) =>
          list((gap) => gap.state === "after_delisting" && gap.from >= from && gap.from < to),
      },
      findOthers: unused,
      pageSlots,
      signal: stop.signal,
      onPage: (count) => progress.push(count),
      async writer(page) {
        const index = written.push(page) - 1;
        await write(page, index);
        for (const gap of page.gaps) log.set(gap.id, gap);
        return { added: page.candles.length, revised: 0 };
      },
    },
    start,
    splitPages("1h", span(0, size)).map((page) => ({ ...page, kind: "fetch" as const })),
  ).then((state) => [state, tally] as const);
  return { filled, asked, written, stop, progress, pageSlots, gaps: () => list(() => true) };
}

const all: Answers = (wanted) => slotsIn("1h", wanted);
const missing =
  (slot: number): Answers =>
  (wanted) =>
    slotsIn("1h", wanted).filter((each) => each !== at(slot));

describe("fillSeries", () => {
  test("commits pages in order, though their answers come in another", async () => {
    const { filled, written, progress } = fill(4_500, all);
    const [state, tally] = await filled;
    expect(written.map(({ covered }) => covered)).toEqual(
      [1_000, 2_000, 3_000, 4_000, 4_500].map((to) => span(0, to)),
    );
    expect(state).toMatchObject({ covered: span(0, 4_500), lastTs: at(4_499), gaps: [] });
    expect(tally).toEqual({ ...newTally(), pages: 5, added: 4_500 });
    expect(progress).toEqual([1_000, 1_000, 1_000, 1_000, 500]);
  });

  test("has at most 16 pages under way and asks for all of them", async () => {
    let most = 0;
    const run = fill(30_000, (wanted, request) => {
      most = Math.max(most, run.asked.length - run.written.length);
      return all(wanted, request);
    });
    await run.filled;
    expect(run.asked).toHaveLength(30);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(16);
  });

  test("asks once more for a gap that it found, and logs the gap when it stays", async () => {
    const { filled, asked } = fill(2_000, missing(1_500));
    const [state, tally] = await filled;
    expect(asked).toEqual([span(0, 1_000), span(1_000, 2_000), span(1_500, 1_501)]);
    expect(state.gaps).toMatchObject([
      { ...span(1_500, 1_501), state: "open", reason: "absent", attempts: 1 },
    ]);
    expect(tally).toMatchObject({ pages: 3, added: 1_999, repaired: 0 });
  });

  test("counts a slot that the second answer fills as repaired, not as added", async () => {
    const { filled } = fill(2_000, (wanted, request) =>
      (request < 2 ? missing(1_500) : all)(wanted, request),
    );
    const [state, tally] = await filled;
    expect(state.gaps).toEqual([]);
    expect(tally).toMatchObject({ added: 1_999, repaired: 1 });
  });

  test("logs a failed page, goes on behind it, and asks for it again", async () => {
    const failure = new ExchangeFailure("unavailable", "HTTP 503");
    const { filled, written } = fill(3_000, (wanted, request) =>
      request === 1 ? failure : all(wanted, request),
    );
    const [state, tally] = await filled;
    expect(written.map(({ gaps }) => gaps.map((gap) => gap.state))).toEqual([[], ["open"], [], ["repaired"]]);
    expect(state).toMatchObject({ covered: span(0, 3_000), gaps: [] });
    expect(tally).toEqual({
      ...newTally(),
      ...{ pages: 4, failedPages: 1, added: 2_000, repaired: 1_000, failure },
    });
  });

  test("does not ask an exchange again that answered nothing at all", async () => {
    const { filled, asked } = fill(3_000, () => new ExchangeFailure("timeout", "no complete answer in time"));
    const [state, tally] = await filled;
    expect(asked).toHaveLength(3);
    expect(tally).toMatchObject({ pages: 3, failedPages: 3, added: 0 });
    expect(state.covered).toEqual(span(0, 3_000));
  });

  test("ends a series whose write is refused, with the refusal", async () => {
    const refusal = new Error("numeric field overflow");
    const { filled } = fill(30_000, all, async (_, index) => {
      if (index >= 2) throw refusal;
    });
    await expect(filled).rejects.toBe(refusal);
  });

  test("gives back the places of its pages when the gap log cannot be read", async () => {
    const logFault = new Error("(a person wrote it)");
    const { filled, pageSlots } = fill(3_000, all, undefined, { ...EMPTY, gapsFrom: at(9_000), logFault });
    await expect(filled).rejects.toBe(logFault);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(pageSlots.activeCount).toBe(0);
  });

  test("ends a series whose symbol the exchange refuses", async () => {
    const { filled, written } = fill(2_000, () => new ExchangeFailure("bad-symbol", "unknown symbol"));
    await expect(filled).rejects.toThrow("unknown symbol");
    expect(written).toEqual([]);
  });

  test("stops by its signal, and what was submitted is stored before it says so", async () => {
    let stored = 0;
    const { filled, written, stop } = fill(30_000, all, async (_, index) => {
      if (index === 2) stop.abort(new Error("stopped by SIGTERM"));
      await new Promise((resolve) => setTimeout(resolve, 5));
      stored += 1;
    });
    await expect(filled).rejects.toThrow("stopped by SIGTERM");
    expect(stored).toBe(written.length);
    expect(written.length).toBeLessThan(30);
  });
});
