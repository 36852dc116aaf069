import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { actionKey, type Catalog, type IndexWork, planMaint } from "../../runner/src/maint/maint-plan.ts";
import type { AttachedLeaf } from "../../runner/src/partition/attached.ts";
import { listLeavesAhead, storageOf } from "../../runner/src/partition/desired.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { isSealed } from "../../runner/src/partition/sealed.ts";
import { DAY } from "../support/candle/arbitraries.ts";

const NOW = Date.UTC(2024, 11, 31, 23, 59);

const attachedAt = (now: number): AttachedLeaf[] =>
  listLeavesAhead(now).map((leaf) => ({
    ...leaf,
    isDetaching: false,
    options: Object.entries(storageOf(leaf, now)).map(([name, value]) => `${name}=${value}`),
  }));
const whole = (now: number): Catalog => ({
  indexWork: [],
  leaves: attachedAt(now),
  standalone: [],
  strangers: [],
  attempts: new Map(),
  ledger: [],
  quarantine: [],
});
const work = (object: string, more: Partial<IndexWork> = {}): IndexWork => ({
  attempts: 0,
  rank: 50,
  op: "build",
  table: "r3a.t",
  object,
  sql: `CREATE ${object}`,
  isConcurrent: false,
  builder: null,
  ...more,
});
const named = (catalog: Catalog, now = NOW) =>
  planMaint(catalog, now).actions.map(({ op, object }) => `${op} ${object}`);

describe("leaves ahead", () => {
  test("come from the clock alone: this period and those after it", () => {
    expect(listLeavesAhead(NOW).map(({ name }) => name)).toEqual([
      ...["ohlcv_1h_2024", "ohlcv_slow_2024", "ohlcv_15m_2024_q4", "ohlcv_1m_2024_12"],
      ...["ohlcv_1m_2025_01", "ohlcv_15m_2025_q1", "ohlcv_1h_2025", "ohlcv_slow_2025", "ohlcv_1m_2025_02"],
      ...["ohlcv_1m_2025_03", "ohlcv_15m_2025_q2"],
    ]);
    expect(named({ ...whole(NOW), leaves: [] })[3]).toBe("create-leaf r3a.ohlcv_1m_2024_12");
  });

  test("a day later nothing more is missing than what a new period adds", () => {
    fc.assert(
      fc.property(fc.integer({ min: Date.UTC(2010, 0), max: Date.UTC(2040, 0) }), (now) => {
        expect(planMaint(whole(now), now).actions).toEqual([]);
        const next = planMaint(whole(now), now + DAY).actions.filter(({ op }) => op === "create-leaf");
        const isNewMonth = leafAt("1m", now).name !== leafAt("1m", now + DAY).name;
        expect(next.length > 0).toBe(isNewMonth);
      }),
    );
  });

  test("are not made over a leaf of other bounds, which is named", () => {
    const odd: AttachedLeaf = {
      name: "by_hand",
      parent: "ohlcv_1h",
      span: { from: Date.UTC(2024, 5), to: Date.UTC(2025, 5) },
      isDetaching: false,
      options: [],
    };
    const leaves = attachedAt(NOW).filter(({ parent }) => parent !== "ohlcv_1h");
    const plan = planMaint({ ...whole(NOW), leaves: [...leaves, odd] }, NOW);
    expect(plan.actions.filter(({ op }) => op === "create-leaf")).toEqual([]);
    expect(plan.refused).toEqual([
      expect.stringContaining("r3a.by_hand below r3a.ohlcv_1h is no leaf of R3A"),
    ]);
    const endless = { ...odd, span: null, name: "rest" };
    expect(planMaint({ ...whole(NOW), leaves: [...leaves, endless] }, NOW).refused).toHaveLength(1);
  });

  test("a table named like a leaf of the past is only a note, one that is wanted is created", () => {
    const leaves = attachedAt(NOW).filter(({ name }) => name !== "ohlcv_1m_2025_01");
    const plan = planMaint(
      {
        ...whole(NOW),
        leaves,
        standalone: ["ohlcv_1m_2025_01", "ohlcv_1m_2019_05", "ohlcv_15m_2019_q5", "ohlcv_gap_log"],
      },
      NOW,
    );
    expect(plan.actions.map(({ object }) => object)).toEqual(["r3a.ohlcv_1m_2025_01"]);
    expect(plan.notes).toEqual([expect.stringContaining("r3a.ohlcv_1m_2019_05")]);
  });
});

describe("quarantine", () => {
  const table = (name: string, movedDaysAgo: number | null, isThere = true) => ({
    ...{ name, isThere, movedAt: movedDaysAgo === null ? null : NOW - movedDaysAgo * DAY },
  });

  test("a table goes after its days with its note, after all other work", () => {
    const quarantine = [table("young_2", 13.9), table("old_1", 14)];
    const plan = planMaint({ ...whole(NOW), quarantine, ledger: ["close-runs"] }, NOW);
    expect(plan.actions.map(({ op, object }) => `${op} ${object}`)).toEqual([
      "close-runs close-runs",
      "drop-quarantined quarantine.old_1",
    ]);
    expect(plan.actions[1]).toMatchObject({
      sql: "DROP TABLE quarantine.old_1; DELETE FROM r3a.quarantine WHERE table_name = 'old_1'",
    });
    expect(plan.notes).toEqual([]);
  });

  test("a note without a table goes alone, but stays as long as restore --damaged asks it", () => {
    const { actions } = planMaint(
      { ...whole(NOW), quarantine: [table("it's", 2, false), table("b_2", 0.9, false)] },
      NOW,
    );
    expect(actions).toMatchObject([
      {
        op: "forget-quarantined",
        object: `quarantine."it's"`,
        sql: "DELETE FROM r3a.quarantine WHERE table_name = 'it''s'",
      },
    ]);
  });

  test("a table that no swap noted is only named", () => {
    const plan = planMaint({ ...whole(NOW), quarantine: [table("by_hand", null)] }, NOW);
    expect(plan).toMatchObject({
      actions: [],
      notes: [expect.stringContaining("quarantine.by_hand is not in r3a.quarantine")],
    });
  });
});

describe("order", () => {
  test("is by value: detach, leaves, indexes as the database ranks them, storage, ledgers", () => {
    const leaves = attachedAt(NOW).map((leaf, index) => (index === 3 ? { ...leaf, options: [] } : leaf));
    leaves.push({ ...leafAt("1m", 0), isDetaching: true, options: [] });
    const catalog = { ...whole(NOW), leaves: leaves.filter(({ name }) => name !== "ohlcv_1h_2025") };
    const plan = named({
      ...catalog,
      ledger: ["close-runs"],
      indexWork: [work("b", { rank: 40 }), work("a", { rank: 40 }), work("c", { rank: 80 })],
    });
    expect(plan).toEqual([
      "finish-detach r3a.ohlcv_1m_1970_01",
      "create-leaf r3a.ohlcv_1h_2025",
      "build b",
      "build a",
      "build c",
      "storage r3a.ohlcv_1m_2024_12",
      "close-runs close-runs",
    ]);
  });

  test("however few operations a run may do and whatever fails for ever, all others are done", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ rank: fc.integer({ min: 30, max: 80 }), fails: fc.boolean() }), {
          minLength: 1,
          maxLength: 30,
        }),
        fc.integer({ min: 1, max: 5 }),
        (tasks, maxOps) => {
          const left = new Map(tasks.map((task, index) => [`i${index}`, task]));
          const attempts = new Map<string, number>();
          const good = tasks.filter(({ fails }) => !fails).length;
          for (let run = 0; run < tasks.length; run += 1) {
            const indexWork = [...left].map(([object, { rank }]) =>
              work(object, { rank, attempts: attempts.get(object) ?? 0 }),
            );
            for (const { object } of planMaint({ ...whole(NOW), indexWork, attempts }, NOW).actions.slice(
              0,
              maxOps,
            )) {
              if (left.get(object)?.fails === true) attempts.set(object, (attempts.get(object) ?? 0) + 1);
              else left.delete(object);
            }
          }
          expect(left.size).toBe(tasks.length - good);
          // those that fail take turns
          const counts = [...left.keys()].map((object) => attempts.get(object) ?? 0);
          if (counts.length > 0) expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        },
      ),
    );
  });

  test("two actions of a plan are never the same operation", () => {
    const { actions } = planMaint(
      { ...whole(NOW), leaves: [], ledger: ["delete-items", "delete-runs"] },
      NOW,
    );
    expect(new Set(actions.map(actionKey)).size).toBe(actions.length);
  });
});

test("a leaf is open for two days more than its period, and only open 1m leaves leave room for updates", () => {
  const leaf = leafAt("1m", Date.UTC(2024, 10, 5));
  expect(isSealed(leaf.span, leaf.span.to + 2 * DAY)).toBe(false);
  expect(isSealed(leaf.span, leaf.span.to + 2 * DAY + 1)).toBe(true);
  expect(storageOf(leaf, leaf.span.to + 3 * DAY)).toEqual({});
  expect(storageOf(leaf, leaf.span.to)).toHaveProperty("fillfactor", "90");
  expect(storageOf(leafAt("15m", NOW), NOW)).not.toHaveProperty("fillfactor");
});
