import { describe, expect, test } from "vitest";
import type { Tier } from "../../runner/src/contract/tiers.ts";
import { orderCandidates } from "../../runner/src/restore/candidates-plan.ts";
import { chooseLeaves, planLeaf, type RecordedPart } from "../../runner/src/restore/leaf-plan.ts";

const madeBy = (tier: Tier, madeAt: number) => ({ tier, madeAt, key: `manifests/${madeAt}` });
const namesOf = (found: readonly { tier: Tier; madeAt: number }[]) =>
  found.map(({ tier, madeAt }) => `${tier} ${madeAt}`);

describe("candidates", () => {
  const found = [
    madeBy("cold", 30),
    madeBy("hot", 10),
    madeBy("warm", 30),
    madeBy("hot", 30),
    madeBy("warm", 20),
  ];

  test("come newest first, and of one moment from the nearest tier", () => {
    const ordered = namesOf(orderCandidates(found, { at: null, tier: null }));
    expect(ordered).toEqual(["hot 30", "warm 30", "cold 30", "warm 20", "hot 10"]);
  });

  test("are not newer than --at, which is included", () => {
    expect(namesOf(orderCandidates(found, { at: 20, tier: null }))).toEqual(["warm 20", "hot 10"]);
    expect(orderCandidates(found, { at: 9, tier: null })).toEqual([]);
  });

  test("are of --tier alone", () => {
    expect(namesOf(orderCandidates(found, { at: null, tier: "warm" }))).toEqual(["warm 30", "warm 20"]);
  });
});

const object = (key: string) => ({ key, bytes: 100, rows: 10 });
const part = (
  coinId: number,
  base: number | null,
  interval: RecordedPart["interval"] = "1m",
): RecordedPart => ({
  ...{ coinId, interval, base, baseBackup: base === null ? null : 5 + base },
  rows: coinId * 10,
});
const leaf = (parts: readonly RecordedPart[]) => ({
  name: "ohlcv_1m_2026_01",
  span: { from: 0, to: 1 },
  bases: [object("old"), object("new")],
  deltas: [
    { ...object("first"), backup: 6 },
    { ...object("second"), backup: 7 },
  ],
  parts,
});
const stepsOf = ({ steps }: ReturnType<typeof planLeaf<RecordedPart, ReturnType<typeof object>>>) =>
  steps.map((step) => `${step.kind} ${step.object.key}: ${step.parts.map(({ coinId }) => coinId).join(" ")}`);

describe("the plan of a leaf", () => {
  test("takes of a base the parts that name it, then the deltas in their order, each of the parts whose base is older", () => {
    const plan = planLeaf(leaf([part(1, 0), part(2, 1), part(3, null)]), null);
    expect(stepsOf(plan)).toEqual(["base old: 1", "base new: 2", "delta first: 1 3", "delta second: 1 2 3"]);
    expect(plan).toMatchObject({ rows: 60, bytes: 400 });
  });

  test("leaves out a base that no part names, and what no asked coin needs", () => {
    expect(stepsOf(planLeaf(leaf([part(1, 1)]), null))[0]).toBe("base new: 1");
    const plan = planLeaf(leaf([part(1, 0), part(2, 1)]), new Set([2]));
    expect(stepsOf(plan)).toEqual(["base new: 2", "delta second: 2"]);
    expect(plan).toMatchObject({ rows: 20, bytes: 200 });
  });

  test("has no step where it has no part", () => {
    const plan = planLeaf(leaf([part(1, 0)]), new Set([9]));
    expect([plan.parts, plan.steps, plan.rows]).toEqual([[], [], 0]);
  });
});

describe("leaves", () => {
  const leaves = ["a", "b", "c"].map((name, index) => ({
    name,
    span: { from: index * 10, to: index * 10 + 10 },
  }));
  const chosen = (from: number | null, to: number | null, name: string | null = null) =>
    chooseLeaves(leaves, { leaf: name, from, to })
      .map((each) => each.name)
      .join("");

  test("are those that hold times of the span, the newest first; the end is not included", () => {
    expect([chosen(null, null), chosen(10, 20), chosen(9, 21), chosen(20, null), chosen(null, 10)]).toEqual([
      ...["cba", "b", "cba", "c", "a"],
    ]);
  });

  test("are the one of that name", () => {
    expect([chosen(null, null, "b"), chosen(null, null, "x")]).toEqual(["b", ""]);
  });
});
