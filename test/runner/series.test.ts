import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { EARLIEST_MS } from "../../runner/src/candle/candle.ts";
import { slotAtOrAfter, slotOf } from "../../runner/src/candle/interval.ts";
import { WIDTH_MS } from "../../runner/src/contract/intervals.ts";
import type { SeriesState } from "../../runner/src/db/series.ts";
import { planBackfill, planRepair, planSync } from "../../runner/src/sync/fill-plan.ts";
import { anyInterval, anyTime, MINUTE, slotsIn } from "../support/candle/arbitraries.ts";
import { simulateSeries, type Trouble, type Truth } from "../support/candle/simulated-series.ts";

// the second look at a late candle waits a second, and here it would wait for a clock that stands still
vi.mock("../../runner/src/sleep.ts", () => ({
  sleep: () => Promise.resolve(),
}));

/** Slots of a whole life; a page holds 1000, so runs have up to five. */
const SIZE = 3_600;
const CALM: Trouble = { failing: [], killedAfter: null };

const anySlots = fc.array(fc.tuple(fc.nat({ max: SIZE }), fc.nat({ max: 40 })), { maxLength: 6 });
const anyStep = fc.record({
  kind: fc.constantFrom("sync", "sync", "sync all", "backfill", "repair", "repair all"),
  from: fc.nat({ max: SIZE }),
  length: fc.integer({ min: 1, max: 2_500 }),
  wait: fc.nat({ max: 900 }),
  waitMs: fc.nat({ max: 300_000 }),
  failing: fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }),
  killedAfter: fc.option(fc.nat({ max: 4 })),
});
const anyLife = fc.record({
  interval: anyInterval,
  origin: anyTime,
  fallback: fc.integer({ min: -3, max: 900 }),
  fallbackMs: fc.nat({ max: 86_400_000 }),
  now: fc.integer({ min: 1, max: 1_500 }),
  first: fc.integer({ min: -500, max: 1_800 }),
  firstMs: fc.nat({ max: 86_400_000 }),
  delisted: fc.integer({ min: 600, max: 2 * SIZE }),
  holes: anySlots,
  broken: anySlots,
  misaligned: anySlots,
  steps: fc.array(anyStep, { minLength: 1, maxLength: 6 }),
});
type Life = typeof anyLife extends fc.Arbitrary<infer T> ? T : never;
type Step = Life["steps"][number];

function createSeries(life: Life) {
  const { interval } = life;
  const width = WIDTH_MS[interval];
  const at = (index: number) => slotOf(interval, life.origin) + index * width;
  const slots = (runs: readonly (readonly [number, number])[]) =>
    new Set(runs.flatMap(([from, length]) => slotsIn(interval, { from: at(from), to: at(from + length) })));
  const truth: Truth = {
    interval,
    // a candle before 2017 is believed to be a unit error, and the oldest origin is of August 2017
    first: Math.max(at(life.first) + (life.firstMs % width), slotAtOrAfter(interval, EARLIEST_MS)),
    delisted: at(life.delisted),
    holes: slots(life.holes),
    broken: slots(life.broken),
    misaligned: slots(life.misaligned),
  };
  const series = simulateSeries(truth, at(life.now) + (life.origin % width));
  const fallbackStart = at(life.fallback) + (life.fallbackMs % width);
  const planOf = ({ kind, from, length }: Step) => {
    const wanted = { from: at(from - 600), to: at(from - 600 + length) + (life.firstMs % width) };
    return (state: SeriesState, now: number) => {
      if (kind === "backfill") return planBackfill(state, { wanted, now, again: false });
      if (kind === "repair" || kind === "repair all") return planRepair(state, now, kind === "repair all");
      return planSync(state, { now, autoPeriod: kind === "sync", fallbackStart });
    };
  };
  const advance = ({ wait, waitMs }: Step) => {
    series.advance(wait * width + waitMs);
  };
  return { series, planOf, advance, fallbackStart, at };
}

async function live(life: Life) {
  const created = createSeries(life);
  for (const step of life.steps) {
    await created.series.run(created.planOf(step), step);
    created.advance(step);
  }
  return created;
}

const check = (claim: (life: Life) => Promise<void>, numRuns: number) =>
  fc.assert(fc.asyncProperty(anyLife, claim), { numRuns });

test("whatever fails or is killed, every slot of the covered span is stored or in one gap at each commit", async () => {
  let commits = 0;
  await check(async (life) => {
    const { series } = await live(life);
    commits += series.commits();
    const { lastTs } = series.load();
    const newest = [...series.stored].reduce<number | null>((a, b) => Math.max(a ?? b, b), null);
    expect(lastTs === null ? null : slotOf(life.interval, lastTs)).toBe(newest);
    for (const gap of series.listGaps()) {
      if (gap.state === "before_listing") expect(gap.to).toBeLessThanOrEqual(series.truth.first);
    }
    // history: each slot that was ever missing and came, once
    const repaired = [...series.log.values()].filter(({ state }) => state === "repaired");
    const filled = repaired.flatMap((gap) => slotsIn(life.interval, gap));
    expect(filled.filter((slot) => !series.stored.has(slot))).toEqual([]);
    expect(new Set(filled).size).toBe(filled.length);
  }, 120);
  expect(commits).toBeGreaterThan(200);
});

test("a sync without trouble, whatever was before, covers everything since the fallback or the listing", async () => {
  await check(async (life) => {
    const { series, fallbackStart } = await live(life);
    const [state, before] = [series.load(), new Set(series.stored)];
    const settled = slotOf(life.interval, series.now() - 2 * MINUTE);
    const start = Math.max(
      slotAtOrAfter(life.interval, fallbackStart),
      state.firstCandle === null ? 0 : slotOf(life.interval, state.firstCandle),
    );
    const storable = series.listStorable({ from: start, to: series.now() });
    await series.run((s, now) => planSync(s, { now, autoPeriod: false, fallbackStart }), CALM);
    // gaps of what was covered before are the repair's business, all the rest is stored now
    const { from, to } = state.covered ?? { from: 0, to: 0 };
    expect(storable.filter((slot) => !series.stored.has(slot) && (slot < from || slot >= to))).toEqual([]);
    expect(series.stored.isSupersetOf(before)).toBe(true);
    if (start >= settled) return;
    expect(series.load().covered?.from).toBeLessThanOrEqual(start);
    expect(series.load().covered?.to).toBeGreaterThanOrEqual(settled);
  }, 60);
});

test("a backfill without trouble, whatever was before, stores all of its span that the exchange has", async () => {
  await check(async (life) => {
    const { series, at } = await live(life);
    const wanted = { from: at(-200), to: at(1_900) };
    const storable = series.listStorable(wanted);
    const end = Math.min(wanted.to, slotOf(life.interval, series.now() - 2 * MINUTE));
    await series.run((state, now) => planBackfill(state, { wanted, now, again: false }), CALM);
    expect(storable.filter((slot) => !series.stored.has(slot))).toEqual([]);
    if (end <= wanted.from) return;
    expect(series.load().covered?.from).toBeLessThanOrEqual(wanted.from);
    expect(series.load().covered?.to).toBeGreaterThanOrEqual(end);
  }, 60);
});

test("a repair of all without trouble leaves no gap that the exchange could fill, but what nobody asked for", async () => {
  await check(async (life) => {
    const { series } = await live(life);
    // a row of the log can grow over a neighbour that nobody asked for, and is then asked for at its time
    const unasked = series.listGaps().filter(({ state }) => state === "not_requested");
    const isUnasked = (slot: number) => unasked.some(({ from, to }) => from <= slot && slot < to);
    await series.run((state, now) => planRepair(state, now, true), CALM);
    for (const gap of series.listGaps())
      expect(series.listStorable(gap).filter((slot) => !isUnasked(slot))).toEqual([]);
  }, 60);
});
