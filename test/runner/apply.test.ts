import { describe, expect, test } from "vitest";
import type { Candle } from "../../runner/src/candle/candle.ts";
import type { PageFacts } from "../../runner/src/candle/gap.ts";
import { listSlots, parsePage } from "../../runner/src/candle/page.ts";
import type { SeriesState } from "../../runner/src/db/series.ts";
import { applyPage } from "../../runner/src/sync/apply.ts";
import { gridOf, HOUR, rowAt } from "../support/candle/arbitraries.ts";
import { makeSeries } from "../support/candle/candle-rows.ts";

const grid = gridOf("1d", Date.parse("2023-12-28T00:00:00Z"));
const { at, span } = grid;
const NOW = at(100);

const EMPTY = makeSeries("1d");

/** A page of the slots `from` to `to` in which only `present` came; null where the request failed. */
function apply(state: SeriesState, from: number, to: number, present: readonly number[] | null) {
  const rows = (present ?? []).map((index) => rowAt("1d", at(index)));
  const { candles, rejected } = parsePage("1d", span(from, to), rows, NOW);
  const failure = present === null ? "HTTP 500" : null;
  const page: PageFacts = { span: span(from, to), slots: listSlots("1d", candles), rejected, failure };
  return applyPage(state, { page, candles }, NOW);
}

const openTimes = (candles: readonly Candle[]) => candles.map(({ openTime }) => openTime);

describe("applyPage", () => {
  test("begins a series with its first page", () => {
    const { write, state, repaired } = apply(EMPTY, 0, 3, [0, 1, 2]);
    expect(write).toMatchObject({ coinId: 7, interval: "1d", covered: span(0, 3), lastTs: at(2), gaps: [] });
    expect(openTimes(write.candles)).toEqual([at(0), at(1), at(2)]);
    expect(write.overlapsStored).toBe(false);
    expect(state).toEqual({ ...EMPTY, covered: span(0, 3), lastTs: at(2) });
    expect(repaired).toBe(0);
  });

  test("covers a failed first page as one open gap without a newest candle", () => {
    const { write, state } = apply(EMPTY, 0, 3, null);
    expect(write).toMatchObject({ covered: span(0, 3), lastTs: null, candles: [] });
    expect(state.gaps).toMatchObject([
      { ...span(0, 3), state: "open", reason: "failed", attempts: 0, nextCheckAt: NOW },
    ]);
  });

  test("logs the stretch between that nobody asked for, on either side", () => {
    const { state } = apply(EMPTY, 10, 12, [10, 11]);
    const skipped = { state: "not_requested", reason: null, attempts: 0, nextCheckAt: null };
    expect(apply(state, 15, 16, [15]).write).toMatchObject({
      covered: span(10, 16),
      gaps: [{ ...span(12, 15), ...skipped }],
    });
    expect(apply(state, 0, 2, [0, 1]).write).toMatchObject({
      covered: span(0, 12),
      lastTs: at(1),
      gaps: [{ ...span(2, 10), ...skipped }],
    });
  });

  test("says when rows may be stored already", () => {
    const { state } = apply(EMPTY, 0, 3, [0, 1, 2]);
    expect(apply(state, 3, 5, [3, 4]).write.overlapsStored).toBe(false);
    expect(apply(state, 2, 5, [2, 3, 4]).write.overlapsStored).toBe(true);
  });

  test("writes a repaired gap as history and forgets it", () => {
    const failed = apply(EMPTY, 0, 3, null).state;
    const { write, state, repaired } = apply(failed, 0, 3, [0, 2]);
    expect(write.gaps.map(({ state: now, from }) => [now, from])).toEqual([
      ["open", at(1)],
      ["repaired", at(0)],
      ["repaired", at(2)],
    ]);
    expect(state.gaps).toMatchObject([{ ...span(1, 2), id: failed.gaps[0]?.id, reason: "absent" }]);
    expect(repaired).toBe(2);
  });

  test("logs nothing of what is stored when a page over it fails", () => {
    const { state } = apply(EMPTY, 0, 5, [0, 1, 2, 3, 4]);
    expect(apply(state, 0, 7, null).write).toMatchObject({
      covered: span(0, 7),
      lastTs: null,
      gaps: [{ ...span(5, 7), reason: "failed" }],
    });
  });

  test("writes the newest candle of the page alone, and never forgets a newer one that it knows", () => {
    const { state } = apply(EMPTY, 5, 7, [5, 6]);
    const older = apply(state, 0, 5, [0, 1, 2, 3, 4]);
    expect([older.write.lastTs, older.state.lastTs]).toEqual([at(4), at(6)]);
  });

  test("takes back after_delisting when a later page of the same backfill holds candles behind the gap", () => {
    const delisted = { ...EMPTY, trading: false };
    const first = apply(delisted, 0, 5, [0, 1, 2]).state;
    expect(first.gaps).toMatchObject([{ ...span(3, 5), state: "after_delisting" }]);
    const { write, state } = apply(first, 5, 8, [5, 6]);
    const hole = {
      ...span(3, 5),
      id: first.gaps[0]?.id,
      state: "open",
      attempts: 1,
      nextCheckAt: NOW + HOUR,
    };
    expect(state.gaps.toSorted((a, b) => a.from - b.from)).toMatchObject([
      hole,
      { ...span(7, 8), state: "after_delisting" },
    ]);
    expect(write.gaps).toContainEqual(expect.objectContaining(hole));
  });
});
