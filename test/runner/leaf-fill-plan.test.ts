import { expect, test } from "vitest";
import type { SeriesFacts } from "../../runner/src/sync/fill-plan.ts";
import { planLeafFill } from "../../runner/src/sync/leaf-fill.ts";

const [FROM, TO] = [Date.UTC(2026, 0), Date.UTC(2026, 1)];
const MINUTE = 60_000;
const LEAF = { from: FROM, to: TO };
const series = (covered: SeriesFacts["covered"]): SeriesFacts => ({
  ...{ interval: "1m", covered, failed: [], unlisted: [], firstCandle: null },
});

test("of a leaf that is over its last 10 candles are asked for, and every gap that is asked for in it", () => {
  const covered = { from: FROM + 5 * MINUTE, to: TO + 90 * MINUTE };
  expect(planLeafFill(series(covered), LEAF, { now: TO, newest: TO - MINUTE })).toEqual({
    tasks: [{ from: TO - 10 * MINUTE, to: TO, kind: "again" }],
    gaps: { which: "all", now: TO, within: { from: FROM + 5 * MINUTE, to: TO }, listed: null },
  });
});

test("of a leaf under way the last ones are those of the series, and no more than it covers", () => {
  const covered = { from: FROM, to: FROM + 4 * MINUTE };
  const plan = planLeafFill(series(covered), LEAF, { now: TO, newest: FROM + 3 * MINUTE });
  expect(plan.tasks).toEqual([{ ...covered, kind: "again" }]);
});

test("where a leaf ends with slots that nobody asked for, the last stored candles are asked for, and not these", () => {
  const [covered, newest] = [{ from: FROM, to: TO }, FROM + 99 * MINUTE];
  const { tasks, gaps } = planLeafFill(series(covered), LEAF, { now: TO, newest });
  expect(tasks).toEqual([{ from: FROM + 90 * MINUTE, to: FROM + 100 * MINUTE, kind: "again" }]);
  expect(gaps).toMatchObject({ within: covered });
});

test("where no candle is stored the gaps alone are asked for", () => {
  const { tasks, gaps } = planLeafFill(series({ from: FROM, to: TO }), LEAF, { now: TO, newest: null });
  expect(tasks).toEqual([]);
  expect(gaps).toMatchObject({ which: "all" });
});

test.each([null, { from: TO, to: TO + MINUTE }])(
  "a series that covers nothing of it (%o) is not asked for",
  (covered) => {
    expect(planLeafFill(series(covered), LEAF, { now: TO, newest: TO })).toEqual({ tasks: [], gaps: null });
  },
);
