import { expect } from "vitest";
import type { Gap } from "../../../runner/src/candle/gap.ts";
import { askablePart, isDue } from "../../../runner/src/candle/gap-due.ts";
import { slotOf } from "../../../runner/src/candle/interval.ts";
import type { Span } from "../../../runner/src/candle/span.ts";
import { type Interval, WIDTH_MS } from "../../../runner/src/contract/intervals.ts";
import type { SeriesState } from "../../../runner/src/db/series.ts";
import type { PageWrite } from "../../../runner/src/db/store.ts";
import type { CandleSource } from "../../../runner/src/exchange/exchange.ts";
import { ExchangeFailure } from "../../../runner/src/exchange/failure.ts";
import { applyPage } from "../../../runner/src/sync/apply.ts";
import { fetchPage } from "../../../runner/src/sync/fetch-page.ts";
import type { GapRequest } from "../../../runner/src/sync/fill-plan.ts";
import { type Plan, pageGaps } from "../../../runner/src/sync/fill-plan.ts";
import { createGapMemory, type GapSource } from "../../../runner/src/sync/gap-memory.ts";
import { collect, rowAt, slotsIn } from "./arbitraries.ts";

/** What the exchange holds of one series, apart from time. Slots are open times; `first` may lie inside of its slot. */
export type Truth = {
  readonly interval: Interval;
  readonly first: number;
  readonly delisted: number;
  readonly holes: ReadonlySet<number>;
  /** Rows that come and must not be stored. */
  readonly broken: ReadonlySet<number>;
  /** Candles that begin a little behind the slot's boundary. */
  readonly misaligned: ReadonlySet<number>;
};

/** Answers for the pages of one run, in order; where the list ends, it begins again. */
export type Trouble = { readonly failing: readonly boolean[]; readonly killedAfter: number | null };

/** How many slots of the log's end a new process reads: fewer than any page, so that most pages read their own. */
const NEAR = 7;

/** A series with its truth, its clock and the tables that its commits reach, checked at each of them. */
export function simulateSeries(truth: Truth, startsAt: number) {
  const { interval, first, delisted, holes, broken, misaligned } = truth;
  const stored = new Set<number>();
  const log = new Map<string, Gap>();
  let [now, commits] = [startsAt, 0];
  let [covered, lastTs]: [Span | null, number | null] = [null, null];

  const isListed = (slot: number) => slot >= slotOf(interval, first) && slot < delisted && !holes.has(slot);

  const listGaps = () =>
    [...log.values()].filter(({ state }) => state !== "repaired").toSorted((a, b) => a.from - b.from);

  /** What a new process reads before it plans: of the log its end, and what failed. */
  const load = (): SeriesState => {
    const gapsFrom = (covered?.to ?? Number.NEGATIVE_INFINITY) - NEAR * WIDTH_MS[interval];
    const gaps = listGaps();
    return {
      coinId: 1,
      symbol: "BTCUSDT",
      interval,
      covered,
      lastTs,
      gaps: gaps.filter(({ to }) => to >= gapsFrom),
      gapsFrom,
      failed: gaps.filter(({ reason }) => reason === "failed"),
      unlisted: gaps.filter(({ state }) => state === "before_listing"),
      openGaps: gaps.filter(({ state }) => state === "open").length,
      firstCandle: first <= now ? first : null,
      trading: now < delisted,
    };
  };

  const source: GapSource = {
    touching: async ({ from, to }) => listGaps().filter((gap) => gap.from <= to && gap.to >= from),
    delisted: async ({ from, to }) =>
      listGaps().filter((gap) => gap.state === "after_delisting" && gap.from >= from && gap.from < to),
  };

  /** The requested gaps as the database reads them, all in one part. */
  async function* read(request: GapRequest) {
    yield listGaps().flatMap((gap) => {
      if (gap.state === "before_listing")
        return request.which === "due" || request.listed === null
          ? []
          : (askablePart(gap, request.listed) ?? []);
      if (request.which === "refuted") return [];
      const isUnasked = gap.state === "not_requested" && gap.nextCheckAt === null;
      const isAsked = (request.which === "all" && !isUnasked) || isDue(gap, request.now);
      return isAsked || (request.which === "wanted" && isUnasked) ? [gap] : [];
    });
  }

  /** As the exchange answers: by open time, at most 1000, the running candle with them. */
  const listRows = ({ from, to }: Span) =>
    slotsIn(interval, { from: slotOf(interval, from), to: Math.min(to, now) })
      .filter(isListed)
      .map((slot) => (misaligned.has(slot) ? slot + Math.min(14_789, WIDTH_MS[interval] / 2) : slot))
      .filter((openTime) => openTime >= from && openTime < to && openTime <= now)
      .slice(0, 1_000)
      .map((openTime) =>
        rowAt(interval, openTime, broken.has(slotOf(interval, openTime)) ? { 5: "-1" } : {}),
      );

  const createSource = (isFailing: boolean): CandleSource => ({
    fetchRows: async (_symbol, _interval, span) => {
      if (isFailing) throw new ExchangeFailure("unavailable", "HTTP 503");
      return listRows(span);
    },
  });

  const commit = (write: PageWrite) => {
    commits += 1;
    for (const { openTime, closeTime } of write.candles) {
      expect(closeTime).toBeLessThan(now);
      stored.add(slotOf(interval, openTime));
    }
    for (const gap of write.gaps) log.set(gap.id, gap);
    covered = write.covered;
    // as the database does it: a page's newest candle raises the value and never lowers it
    if (write.lastTs !== null) lastTs = Math.max(write.lastTs, lastTs ?? write.lastTs);
    expectInvariant();
  };

  /** Every slot of the covered span is stored or in exactly one unrepaired gap, and there is nothing outside of it. */
  const expectInvariant = () => {
    const places = new Map<number, number>();
    const count = (slot: number) => places.set(slot, (places.get(slot) ?? 0) + 1);
    for (const slot of stored) count(slot);
    for (const gap of listGaps()) for (const slot of slotsIn(interval, gap)) count(slot);
    const wanted = covered === null ? [] : slotsIn(interval, covered);
    const wrong = wanted.filter((slot) => places.get(slot) !== 1);
    expect(
      wrong.map((slot) => `${new Date(slot).toISOString()} is in ${places.get(slot) ?? 0} places`),
    ).toEqual([]);
    expect(places.size).toBe(wanted.length);
  };

  return {
    truth,
    stored,
    log,
    load,
    listGaps,
    now: () => now,
    commits: () => commits,
    advance(ms: number) {
      now += ms;
    },
    /** Slots of the span whose candle a client could store now. */
    listStorable({ from, to }: Span): number[] {
      const end = Math.min(to, slotOf(interval, now));
      return slotsIn(interval, { from, to: end }).filter((slot) => isListed(slot) && !broken.has(slot));
    },
    /** One run: pages in order, each committed with its state; killed after some of them. */
    async run(plan: (state: SeriesState, now: number) => Plan, trouble: Trouble): Promise<void> {
      let state = load();
      const memory = createGapMemory(state, source);
      const { tasks, gaps } = plan(state, now);
      const asked = gaps === null ? [] : await collect(pageGaps(interval, gaps, read(gaps)));
      for (const [index, task] of [...tasks, ...asked].entries()) {
        if (index === trouble.killedAfter) return;
        const pages = createSource(trouble.failing[index % trouble.failing.length] ?? false);
        const { signal } = new AbortController();
        const page = await fetchPage(
          { source: pages, now: () => now, symbol: "BTCUSDT", interval, signal },
          task,
        );
        now += 350;
        if (page.facts === null) continue;
        const newest = page.candles.at(-1)?.openTime ?? null;
        const known = await memory.withGapsOf(state, page.facts.span, newest);
        const applied = applyPage(known, { page: page.facts, candles: page.candles }, now);
        state = applied.state;
        commit(applied.write);
        memory.changed(state, page.facts.span, { gaps: applied.write.gaps, commit: Promise.resolve() });
        expect(state.openGaps).toBe(listGaps().filter((gap) => gap.state === "open").length);
      }
    },
  };
}
