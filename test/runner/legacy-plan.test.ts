import { expect, test } from "vitest";
import type { LegacyLeaf } from "../../runner/src/db/legacy/catalog.ts";
import { estimateDisk } from "../../runner/src/legacy/disk.ts";
import { logPace, paceOf } from "../../runner/src/legacy/pace.ts";
import { createLogger } from "../../runner/src/log.ts";

/** What is said of a move before and during it. */

const leafOf = (rows: number, bytes: number, from: number, to: number): LegacyLeaf => ({
  name: "x",
  parent: "y",
  coinId: 1,
  interval: "1m",
  span: { from, to },
  rows,
  bytes,
  isUnique: true,
});

test("the pace says what is left and how long it takes, by rows or by leaves, whichever takes longer", () => {
  const leaves = [{ rows: 6_000 }, { rows: 3_000 }, { rows: 0 }, { rows: 0 }];
  expect(paceOf(leaves, { leaves: 0, rows: 0 }, 0)).toMatchObject({
    leavesLeft: 4,
    rowsLeft: 9_000,
    etaMs: null,
  });
  expect(paceOf(leaves, { leaves: 1, rows: 6_000 }, 60_000)).toEqual({
    leavesDone: 1,
    leavesLeft: 3,
    rowsDone: 6_000,
    rowsLeft: 3_000,
    rowsPerSecond: 100,
    etaMs: 180_000,
  });
  expect(paceOf(leaves, { leaves: 4, rows: 9_500 }, 60_000)).toMatchObject({ rowsLeft: 0, etaMs: 0 });
});

test("the line about the pace says all of it in its fields and in words", () => {
  const lines: string[] = [];
  const log = createLogger({}, (text) => lines.push(text), false);
  const pace = {
    leavesDone: 1_200,
    leavesLeft: 1_800,
    rowsDone: 5_000_000,
    rowsLeft: 7_500_000,
    rowsPerSecond: 20_000,
  };
  logPace(log, { ...pace, etaMs: 375_000 });
  logPace(log, { ...pace, etaMs: null });
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    "event.name": "layout_progress",
    leaves_done: 1_200,
    leaves_left: 1_800,
    rows_done: 5_000_000,
    rows_left: 7_500_000,
    rows_per_second: 20_000,
    eta_s: 375,
    message:
      "[MAINT] 1,200 leaves moved, 1,800 left; 5,000,000 candles at 20,000 a second, about 6.3 min to go",
  });
  expect(JSON.parse(lines[1] ?? "")).not.toHaveProperty("eta_s");
});

test("the space at the peak follows from the largest leaf, the WAL from all rows, and bounds of all time count to now", () => {
  const [january, march, all] = [Date.UTC(2024, 0), Date.UTC(2024, 2), Date.UTC(2100, 0)];
  const none = estimateDisk([], march);
  expect(none).toEqual({ extraBytes: 0, walBytes: 0 });
  const need = estimateDisk(
    [leafOf(1_000, 5e6, january, march), leafOf(10, 9e6, january, all), leafOf(0, 8_192, 0, all)],
    march,
  );
  expect(need).toEqual({ extraBytes: 18e6 + 2 * 65_536, walBytes: 1_010 * 214 });
});
