import { describe, expect, test } from "vitest";
import { EXIT } from "../../runner/src/contract/exits.ts";
import { exitOf, type MendedLeaf, reasonOf } from "../../runner/src/restore/mend/mend-outcome.ts";
import {
  type DamagedLeaf,
  groupFindings,
  judgeLeaves,
  type Situation,
} from "../../runner/src/restore/mend/mend-plan.ts";

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 0, 2);
const leaf = (name: string, more: Partial<DamagedLeaf> = {}): DamagedLeaf => ({
  ...{ name, findings: [{ detector: "content", detail: "1 part" }], rows: 10, bytes: 1_000, mendedAt: null },
  ...more,
});
const situation = (more: Partial<Situation> = {}): Situation => ({
  ...{ allRows: 10_000, freeBytes: null, now: NOW, isBeyond: false },
  ...more,
});
const kinds = (leaves: readonly DamagedLeaf[], more: Partial<Situation> = {}) =>
  judgeLeaves(leaves, situation(more)).map(({ verdict }) => verdict.kind);
const whyOf = (leaves: readonly DamagedLeaf[], more: Partial<Situation> = {}) =>
  judgeLeaves(leaves, situation(more)).map(({ verdict }) => (verdict.kind === "mend" ? null : verdict.why));

describe("the brakes", () => {
  test("let three leaves through, and of four none", () => {
    const names = ["a", "b", "c", "d"].map((name) => leaf(name));
    expect(kinds(names.slice(1))).toEqual(["mend", "mend", "mend"]);
    expect(kinds(names)).toEqual(["prepare", "prepare", "prepare", "prepare"]);
    expect(whyOf(names)[0]).toBe(
      "4 leaves are damaged, and one run swaps at most 3: so much damage may have one cause",
    );
  });

  test("let 5 % of the candles through, and above it none, but one leaf whatever it holds", () => {
    const two = [leaf("a", { rows: 250 }), leaf("b", { rows: 250 })];
    expect(kinds(two)).toEqual(["mend", "mend"]);
    expect(kinds(two, { allRows: 9_999 })).toEqual(["prepare", "prepare"]);
    expect(whyOf([leaf("a", { rows: 900 }), leaf("b")])[1]).toContain("hold 9.1 % of all candles");
    expect(kinds([leaf("a", { rows: 10_000 })])).toEqual(["mend"]);
  });

  test("stop a leaf that was restored within 24 h, and no other one", () => {
    const again = [leaf("a", { mendedAt: NOW - 24 * HOUR + 1 }), leaf("b", { mendedAt: NOW - 24 * HOUR })];
    expect(kinds(again)).toEqual(["prepare", "mend"]);
    expect(whyOf(again)[0]).toContain("is damaged again");
  });

  test("leave a leaf for which the disk has no room 1.5 times, counted over the leaves", () => {
    const three = [leaf("a"), leaf("b"), leaf("c", { bytes: 100 })];
    expect(kinds(three, { freeBytes: 1_650 })).toEqual(["mend", "leave", "mend"]);
    expect(kinds(three, { freeBytes: 1_499 })).toEqual(["leave", "leave", "mend"]);
    expect(whyOf([leaf("a", { bytes: 4e9 })], { freeBytes: -1 })).toEqual([
      "it needs 6.00 GB, and DB_SIZE_BUDGET_GB leaves 0.00 GB",
    ]);
  });

  test("do not count where a person says so", () => {
    const all = ["a", "b", "c", "d"].map((name) => leaf(name, { rows: 9_000, mendedAt: NOW }));
    expect(kinds(all, { isBeyond: true, freeBytes: 0 })).toEqual(["mend", "mend", "mend", "mend"]);
  });
});

test("findings are grouped by leaf, the newest leaf first, and each detector once", () => {
  const at = (name: string, detector: "content" | "suspects", detail = "x") => ({
    leaf: name,
    detector,
    detail,
  });
  const grouped = groupFindings([
    at("ohlcv_1m_2026_01", "content"),
    at("ohlcv_1m_2026_02", "suspects"),
    at("ohlcv_1m_2026_01", "suspects", "first"),
    at("ohlcv_1m_2026_01", "suspects", "second"),
  ]);
  expect([...grouped.keys()]).toEqual(["ohlcv_1m_2026_02", "ohlcv_1m_2026_01"]);
  expect(grouped.get("ohlcv_1m_2026_01")?.map(({ detail }) => detail)).toEqual(["x", "second"]);
});

describe("the exit code", () => {
  const from = { tier: "hot", manifest: "m", snapshotAt: "2026-01-01T00:00:00Z" } as const;
  const mended: MendedLeaf = {
    ...{ name: "a", findings: [], outcome: "mended", why: null, from, rows: 1, added: null, isAway: false },
    ...{ after: [{ step: "sync", isOk: true, text: "" }], ms: 1 },
  };
  const of = (...leaves: readonly Partial<MendedLeaf>[]) =>
    exitOf({ leaves: leaves.map((each) => ({ ...mended, ...each })) });

  test.each<[string, Partial<MendedLeaf>, number]>([
    ["mended and clean", {}, EXIT.done],
    ["a plan", { outcome: "planned", after: [] }, EXIT.done],
    ["a plan that a brake stops", { outcome: "planned", after: [], why: "held: x" }, EXIT.brake],
    ["prepared", { outcome: "prepared", why: "held: x" }, EXIT.brake],
    ["left", { outcome: "left", why: "no room" }, EXIT.brake],
    ["no backup", { outcome: "failed", from: null }, EXIT.brake],
    ["a tier is away", { outcome: "failed", from: null, isAway: true }, EXIT.tryAgain],
    ["busy", { outcome: "busy" }, EXIT.tryAgain],
    ["the exchange is away", { after: [{ step: "sync", isOk: null, text: "away" }] }, EXIT.tryAgain],
    ["verify found faults", { after: [{ step: "verify", isOk: false, text: "2 faults" }] }, EXIT.failed],
    ["a loss was accepted", { from: null, why: "accepted" }, EXIT.failed],
  ])("%s", (_, more, code) => expect(of(more)).toBe(code));

  test("of several leaves is the one that asks for a person first, then for another try", () => {
    expect(of({}, { after: [{ step: "verify", isOk: false, text: "x" }] }, { outcome: "busy" })).toBe(
      EXIT.tryAgain,
    );
    expect(of({ outcome: "prepared" }, { outcome: "busy" })).toBe(EXIT.brake);
    expect(of()).toBe(EXIT.done);
  });

  test("has a reason for the ledger that names each leaf that is not mended", () => {
    const leaves = [mended, { ...mended, name: "b", outcome: "prepared" as const, why: "held: x" }];
    expect(reasonOf({ leaves })).toBe("b prepared; held: x");
  });
});
