import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planVacuum, type TableState, type VacuumRequest } from "../../runner/src/maint/vacuum-plan.ts";
import { DAY_MS } from "../../runner/src/time.ts";

const NOW = Date.UTC(2024, 6, 15);
const ROOT = "r3a.ohlcv_partitioned";

const table = (name: string, more: Partial<TableState> = {}): TableState => ({
  table: name,
  kind: "table",
  parent: null,
  span: null,
  rowsThen: 1_000_000,
  rowsNow: 1_000_000,
  modified: 0,
  dead: 0,
  inserted: 0,
  pages: 10_000,
  visiblePages: 10_000,
  frozenPages: null,
  freezeAge: 0.01,
  analyzedAt: NOW - DAY_MS,
  vacuumedAt: NOW - DAY_MS,
  busyWith: null,
  isHeld: false,
  ...more,
});
const leaf = (month: number, more: Partial<TableState> = {}) =>
  table(`r3a.ohlcv_1m_2024_${String(month).padStart(2, "0")}`, {
    kind: "leaf",
    parent: "r3a.ohlcv_1m",
    span: { from: Date.UTC(2024, month - 1), to: Date.UTC(2024, month) },
    ...more,
  });
const [OPEN, SEALED] = [7, 3];
const parents = (more: Partial<TableState> = {}) => [
  table(ROOT, { kind: "parent", pages: 0, visiblePages: 0, rowsNow: 0, ...more }),
  table("r3a.ohlcv_1m", { kind: "parent", parent: ROOT, pages: 0, visiblePages: 0, rowsNow: 0, ...more }),
];
const plan = (tables: readonly TableState[], request: Partial<VacuumRequest> = {}) =>
  planVacuum(tables, { now: NOW, analyzeOnly: true, canAnalyzeAlone: true, ...request });
const doing = (tables: readonly TableState[], request: Partial<VacuumRequest> = {}) =>
  plan(tables, request).steps.map(({ table: name, action }) => `${action} ${name.replace("r3a.", "")}`);

describe("analyze only", () => {
  test("a database in order needs nothing but the summary of its open leaf", () => {
    expect(doing([...parents({ rowsThen: 2_000_000 }), table("r3a.coin"), leaf(OPEN), leaf(SEALED)])).toEqual(
      ["summarize ohlcv_1m_2024_07"],
    );
  });

  test("the biggest debt goes first, what has no statistics before all else", () => {
    const tables = [
      table("r3a.coin", { modified: 20_000 }),
      table("r3a.run", { modified: 90_000 }),
      table("r3a.new", { rowsThen: -1, rowsNow: 10 }),
      table("r3a.series", { modified: 10_000 }),
    ];
    expect(doing(tables)).toEqual(
      ["analyze r3a.new", "analyze r3a.run", "analyze r3a.coin"].map((s) => s.replace("r3a.", "")),
    );
  });

  test("rows that nobody counted are found by their pages; an empty leaf made ahead is left alone", () => {
    const never = { rowsThen: -1, rowsNow: 0, visiblePages: 0, analyzedAt: null, vacuumedAt: null };
    expect(doing([table("r3a.coin", { ...never, pages: 10 }), leaf(9, { ...never, pages: 0 })])).toEqual([
      "analyze coin",
    ]);
  });

  test("two days after its end a leaf is open yet, and a millisecond later it is sealed", () => {
    const leaves = [leaf(SEALED, { analyzedAt: Date.UTC(2024, SEALED) - 1 })];
    const boundary = Date.UTC(2024, SEALED) + 2 * DAY_MS;
    expect(plan(leaves, { now: boundary }).steps).toMatchObject([
      { action: "summarize", reason: "open leaf" },
    ]);
    expect(plan(leaves, { now: boundary + 1 }).steps).toMatchObject([
      { action: "analyze", reason: "sealed: its last statistics" },
      { action: "summarize" },
    ]);
  });

  test("a sealed leaf gets its last statistics once, and its last ranges summarised with them", () => {
    const before = leaf(SEALED, { analyzedAt: Date.UTC(2024, SEALED - 1, 20) });
    expect(doing([before])).toEqual(["analyze ohlcv_1m_2024_03", "summarize ohlcv_1m_2024_03"]);
    expect(doing([{ ...before, analyzedAt: Date.UTC(2024, SEALED, 1, 5) }])).toEqual([]);
    // June ended two weeks before NOW, and is not sealed on 1 July yet
    const june = leaf(6, { analyzedAt: Date.UTC(2024, 5, 20) });
    expect(doing([june], { now: Date.UTC(2024, 6, 2) })).toEqual(["summarize ohlcv_1m_2024_06"]);
  });

  test("what only VACUUM can pay is postponed, and said", () => {
    const tables = [table("r3a.run", { dead: 50_000 }), leaf(SEALED, { vacuumedAt: null })];
    expect(doing(tables)).toEqual([]);
    expect(plan(tables).postponed.map(({ action, table: name }) => `${action} ${name}`)).toEqual([
      "vacuum r3a.run",
      "freeze r3a.ohlcv_1m_2024_03",
    ]);
  });
});

describe("parents", () => {
  const leaves = [leaf(OPEN, { rowsNow: 1_500_000 }), leaf(SEALED, { rowsNow: 1_500_000 })];
  const stale = [{ rowsThen: 1_000_000 }, { rowsThen: -1 }];

  test.for(stale)("of which the rows changed by a tenth, or never counted, are analysed: %o", (then) => {
    expect(doing([...parents(then), ...leaves])).toEqual([
      "analyze ohlcv_1m",
      "analyze ohlcv_partitioned",
      "summarize ohlcv_1m_2024_07",
    ]);
  });

  test("before version 18 one ANALYZE of the root is that of all below it, and of nothing else", () => {
    const changed = leaves.map((each) => ({ ...each, modified: 900_000 }));
    const tables = [...parents({ rowsThen: 1_000_000 }), ...changed, table("r3a.run", { modified: 20_000 })];
    expect(doing(tables, { canAnalyzeAlone: false }).filter((step) => step.startsWith("analyze"))).toEqual([
      "analyze ohlcv_partitioned",
      "analyze run",
    ]);
    expect(doing(tables).filter((step) => step.startsWith("analyze"))).toHaveLength(5);
  });

  test("are left alone for a month where little changed, and for ever where nothing did", () => {
    const small = leaves.map((each) => ({ ...each, rowsNow: 1_010_000 }));
    const old = { rowsThen: 2_000_000, analyzedAt: NOW - 31 * DAY_MS };
    expect(doing([...parents({ ...old, analyzedAt: NOW - 20 * DAY_MS }), ...small])).toHaveLength(1);
    expect(doing([...parents(old), ...small])).toHaveLength(3);
    expect(doing([...parents({ ...old, rowsThen: 3_000_000 }), ...leaves])).toHaveLength(1);
  });
});

describe("with VACUUM", () => {
  const request = { analyzeOnly: false };

  test("one statement vacuums and analyses", () => {
    const tables = [table("r3a.run", { dead: 50_000, modified: 50_000 })];
    expect(doing(tables, request)).toEqual(["vacuum run"]);
    expect(plan(tables, request).postponed).toEqual([]);
  });

  test.for([
    ["not all visible, added to since", { visiblePages: 9_999, inserted: 1 }, true],
    ["not all visible, changed since", { visiblePages: 9_999, modified: 1 }, true],
    ["not all visible, deleted from since", { visiblePages: 9_999, dead: 1 }, true],
    ["not all visible, and untouched: nobody filled them", { visiblePages: 9_999 }, false],
    ["not all visible, held up", { visiblePages: 9_999, vacuumedAt: NOW - DAY_MS + 1 }, true],
    ["never vacuumed on request", { vacuumedAt: null }, true],
    ["vacuumed before it was sealed", { vacuumedAt: Date.UTC(2024, SEALED, 2) }, true],
    ["all visible, vacuumed since", {}, false],
    ["empty", { pages: 0, visiblePages: 0, rowsThen: 0, rowsNow: 0, vacuumedAt: null }, false],
    ["18: a page not frozen", { frozenPages: 9_999 }, true],
    ["18: a page that nobody filled", { visiblePages: 9_999, frozenPages: 9_999 }, false],
    ["18: one not frozen beside it", { visiblePages: 9_999, frozenPages: 9_998 }, true],
    ["18: all frozen, whoever did it", { frozenPages: 10_000, vacuumedAt: null }, false],
  ] as const)("a sealed leaf is frozen once: %s", ([_, more, isDue]) => {
    const frozen = doing([leaf(SEALED, more)], request);
    expect(frozen).toEqual(isDue ? ["freeze ohlcv_1m_2024_03", "summarize ohlcv_1m_2024_03"] : []);
  });

  test("an open leaf is never frozen, and one near the forced age goes before everything", () => {
    const tables = [
      table("r3a.new", { rowsThen: -1 }),
      leaf(OPEN, { freezeAge: 0.6, visiblePages: 0 }),
      table("r3a.run", { dead: 900_000 }),
    ];
    expect(doing(tables, request)).toEqual([
      "vacuum ohlcv_1m_2024_07",
      "analyze new",
      "vacuum run",
      "summarize ohlcv_1m_2024_07",
    ]);
  });
});

test("what somebody is at is left to him and named, whatever its debt", () => {
  const busy = leaf(OPEN, { modified: 900_000, busyWith: "autovacuum worker" });
  const { steps, busy: left } = plan([busy, table("r3a.run", { modified: 20_000 })]);
  expect(steps.map(({ table: name }) => name)).toEqual(["r3a.run"]);
  expect(left.map(({ action, busyWith }) => [action, busyWith])).toEqual([
    ["analyze", "autovacuum worker"],
    ["summarize", "autovacuum worker"],
  ]);
});

test.for([true, false])(
  "parents of a leaf that nobody else may read are left to its holder, its sisters are not: %s",
  (canAnalyzeAlone) => {
    const held = leaf(SEALED, { modified: 900_000, busyWith: "session 1 psql", isHeld: true });
    const { steps, busy } = plan([...parents({ rowsThen: 10 }), held, leaf(OPEN, { modified: 900_000 })], {
      canAnalyzeAlone,
    });
    expect(steps.map(({ table: name, action }) => `${action} ${name}`)).toEqual([
      "analyze r3a.ohlcv_1m_2024_07",
      "summarize r3a.ohlcv_1m_2024_07",
    ]);
    expect(busy.map(({ table: name, busyWith }) => [name, busyWith])).toEqual(
      ["r3a.ohlcv_1m", ROOT, held.table, held.table].map((name) => [name, "session 1 psql"]),
    );
  },
);

const anyTable = fc
  .record({
    month: fc.integer({ min: 1, max: 12 }),
    rowsThen: fc.integer({ min: -1, max: 10_000_000 }),
    rowsNow: fc.nat(10_000_000),
    modified: fc.nat(1_000_000),
    dead: fc.nat(1_000_000),
    inserted: fc.nat(1_000_000),
    pages: fc.nat(1_000),
    visiblePages: fc.nat(1_000),
    frozenPages: fc.option(fc.nat(1_000)),
    freezeAge: fc.double({ min: 0, max: 1, noNaN: true }),
    analyzedAt: fc.option(fc.integer({ min: NOW - 300 * DAY_MS, max: NOW })),
    vacuumedAt: fc.option(fc.integer({ min: NOW - 300 * DAY_MS, max: NOW })),
    busyWith: fc.option(fc.constant("autovacuum worker")),
    isHeld: fc.boolean(),
  })
  .map(({ month, ...more }) => leaf(month, more));

test("any plan: debts of at least 1 in falling order, no table twice by the same action, none that is busy", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(anyTable, { selector: (each) => each.table }),
      fc.boolean(),
      fc.boolean(),
      (tables, analyzeOnly, canAnalyzeAlone) => {
        const { steps } = plan([...parents(), ...tables], { analyzeOnly, canAnalyzeAlone });
        const debts = steps.map(({ debt }) => debt);
        expect(debts).toEqual(debts.toSorted((a, b) => b - a));
        expect(debts.every((debt) => debt >= 1)).toBe(true);
        expect(new Set(steps.map(({ table: name, action }) => `${name} ${action}`)).size).toBe(steps.length);
        // a parent is left to whoever holds a leaf of it
        const idle = tables.filter(({ busyWith }) => busyWith === null).map(({ table: name }) => name);
        expect(steps.every(({ kind, table: name }) => kind === "parent" || idle.includes(name))).toBe(true);
        if (analyzeOnly) expect(steps.some(({ action }) => /vacuum|freeze/.test(action))).toBe(false);
      },
    ),
  );
});
