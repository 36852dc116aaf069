import { expect, test } from "vitest";
import { INTERVALS } from "../../runner/src/contract/intervals.ts";
import { type Leaf, listLeavesOf } from "../../runner/src/partition/layout.ts";
import { orderLeaves } from "../../runner/src/restore/whole/order-plan.ts";

const NOW = Date.UTC(2026, 2, 1, 12);
const leavesOf = (from: number, to: number): readonly Leaf[] => {
  const all = INTERVALS.flatMap((interval) => listLeavesOf(interval, { from, to }));
  return [...new Map(all.map((leaf) => [leaf.name, leaf])).values()];
};
const namesOf = (leaves: readonly Leaf[], now = NOW) =>
  orderLeaves(leaves, now).map(({ name, isHot }) => `${name.slice("ohlcv_".length)}${isHot ? " hot" : ""}`);

test("the open leaves first, then 90 days of 1m, then the coarse ones, then the older months, each time the newest first", () => {
  expect(namesOf(leavesOf(Date.UTC(2025, 7), NOW))).toEqual([
    // February can still change two days after its end
    "1m_2026_03 hot",
    "1m_2026_02 hot",
    "15m_2026_q1 hot",
    "1h_2026 hot",
    "slow_2026 hot",
    "1m_2026_01 hot",
    "1m_2025_12 hot",
    "15m_2025_q4",
    "15m_2025_q3",
    "1h_2025",
    "slow_2025",
    "1m_2025_11",
    "1m_2025_10",
    "1m_2025_09",
    "1m_2025_08",
  ]);
});

test("where nothing is open any more, the last leaf of each coarse interval is hot all the same", () => {
  const later = NOW + 700 * 86_400_000;
  expect(namesOf(leavesOf(Date.UTC(2025, 10), NOW), later)).toEqual([
    "15m_2026_q1 hot",
    "1h_2026 hot",
    "slow_2026 hot",
    "15m_2025_q4",
    "1h_2025",
    "slow_2025",
    "1m_2026_03",
    "1m_2026_02",
    "1m_2026_01",
    "1m_2025_12",
    "1m_2025_11",
  ]);
});

test("the order does not depend on that of the manifest", () => {
  const leaves = leavesOf(Date.UTC(2020, 0), NOW);
  expect(leaves.length).toBeGreaterThan(100);
  expect(namesOf(leaves.toReversed())).toEqual(namesOf(leaves));
});
