import { expect } from "vitest";
import type { Gap } from "../../runner/src/candle/gap.ts";
import { slotOf, WIDTH_MS } from "../../runner/src/candle/interval.ts";
import type { Span } from "../../runner/src/candle/span.ts";
import type { Interval } from "../../runner/src/contract.ts";
import type { SeriesState } from "../../runner/src/db/series.ts";
import type { PageWrite } from "../../runner/src/db/store.ts";
import type { Exchange } from "../../runner/src/exchange/exchange.ts";
import { ExchangeFailure } from "../../runner/src/exchange/failure.ts";
import { applyPage } from "../../runner/src/sync/apply.ts";
import { fetchPage } from "../../runner/src/sync/fetch-page.ts";
import type { Task } from "../../runner/src/sync/plan.ts";
import { rowAt, slotsIn } from "./arbitraries.ts";

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

/** A series with its truth, its clock and the tables that its commits reach, checked at each of them. */
export class SimulatedSeries {
  now: number;
  readonly truth: Truth;
  readonly stored = new Set<number>();
  readonly log = new Map<string, Gap>();
  covered: Span | null = null;
  lastTs: number | null = null;
  commits = 0;

  constructor(truth: Truth, now: number) {
    this.truth = truth;
    this.now = now;
  }

  /** What a new process reads before it plans. */
  load(): SeriesState {
    const { truth, now, covered, lastTs } = this;
    return {
      coinId: 1,
      symbol: "BTCUSDT",
      interval: truth.interval,
      covered,
      lastTs,
      gaps: [...this.log.values()]
        .filter(({ state }) => state !== "repaired")
        .toSorted((a, b) => a.from - b.from),
      firstCandle: truth.first <= now ? truth.first : null,
      trading: now < truth.delisted,
    };
  }

  isListed(slot: number): boolean {
    const { interval, first, delisted, holes } = this.truth;
    return slot >= slotOf(interval, first) && slot < delisted && !holes.has(slot);
  }

  /** Slots of the span whose candle a client could store now. */
  listStorable({ from, to }: Span): number[] {
    const { interval, broken } = this.truth;
    const end = Math.min(to, slotOf(interval, this.now));
    return slotsIn(interval, { from, to: end }).filter((slot) => this.isListed(slot) && !broken.has(slot));
  }

  /** One run: pages in order, each committed with its state; killed after some of them. */
  async run(plan: (state: SeriesState, now: number) => readonly Task[], trouble: Trouble): Promise<void> {
    let state = this.load();
    for (const [index, task] of plan(state, this.now).entries()) {
      if (index === trouble.killedAfter) return;
      const isFailing = trouble.failing[index % trouble.failing.length] ?? false;
      const exchange = this.createExchange(isFailing);
      const page = await fetchPage(exchange, "BTCUSDT", state.interval, task, new AbortController().signal);
      this.now += 350;
      if (page.facts === null) continue;
      const applied = applyPage(state, page.facts, page.candles, this.now);
      state = applied.state;
      this.commit(applied.write);
      expect(this.load().gaps).toEqual(state.gaps.toSorted((a, b) => a.from - b.from));
    }
  }

  commit(write: PageWrite): void {
    this.commits += 1;
    for (const { openTime, closeTime } of write.candles) {
      expect(closeTime).toBeLessThan(this.now);
      this.stored.add(slotOf(this.truth.interval, openTime));
    }
    for (const gap of write.gaps) this.log.set(gap.id, gap);
    this.covered = write.covered;
    this.lastTs = write.lastTs;
    this.expectInvariant();
  }

  /** Every slot of the covered span is stored or in exactly one unrepaired gap, and there is nothing outside of it. */
  expectInvariant(): void {
    const { interval } = this.truth;
    const places = new Map<number, number>();
    const count = (slot: number) => places.set(slot, (places.get(slot) ?? 0) + 1);
    for (const slot of this.stored) count(slot);
    for (const gap of this.load().gaps) for (const slot of slotsIn(interval, gap)) count(slot);
    const wanted = this.covered === null ? [] : slotsIn(interval, this.covered);
    const wrong = wanted.filter((slot) => places.get(slot) !== 1);
    expect(
      wrong.map((slot) => `${new Date(slot).toISOString()} is in ${places.get(slot) ?? 0} places`),
    ).toEqual([]);
    expect(places.size).toBe(wanted.length);
  }

  private createExchange(isFailing: boolean): Exchange {
    const unused = () => Promise.reject(new Error("a page needs candles only"));
    return {
      now: () => this.now,
      fetchRows: async (_symbol, _interval, span) => {
        if (isFailing) throw new ExchangeFailure("unavailable", "HTTP 503");
        return this.listRows(span);
      },
      readClock: unused,
      fetchFirstOpen: unused,
      fetchListings: unused,
      fetchTrading: unused,
      fetchVolumes: unused,
      rateLimitHits: () => 0,
    };
  }

  /** As the exchange answers: by open time, at most 1000, the running candle with them. */
  private listRows({ from, to }: Span): unknown[] {
    const { interval, broken, misaligned } = this.truth;
    const first = slotOf(interval, from);
    return slotsIn(interval, { from: first, to: Math.min(to, this.now) })
      .filter((slot) => this.isListed(slot))
      .map((slot) => (misaligned.has(slot) ? slot + Math.min(14_789, WIDTH_MS[interval] / 2) : slot))
      .filter((openTime) => openTime >= from && openTime < to && openTime <= this.now)
      .slice(0, 1_000)
      .map((openTime) =>
        rowAt(interval, openTime, broken.has(slotOf(interval, openTime)) ? { 5: "-1" } : {}),
      );
  }
}
