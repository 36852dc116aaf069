import type { Span } from "../candle/span.ts";
import { isSealed } from "../partition/sealed.ts";
import { DAY_MS } from "../time.ts";

/** What the catalog and the statistics say of one table. Times in ms; null: never, or the statistics were lost. */
export type TableState = {
  /** As SQL names it, schema included. */
  readonly table: string;
  /** `parent`: partitioned, holds no rows itself. `table`: any other table of R3A. */
  readonly kind: "leaf" | "parent" | "table";
  /** The table that it is a partition of. */
  readonly parent: string | null;
  /** Open times that a leaf holds. */
  readonly span: Span | null;
  /** Rows as of its last VACUUM or ANALYZE; -1 where there was none. */
  readonly rowsThen: number;
  /** Rows as counted since; 0 for a parent. */
  readonly rowsNow: number;
  /** Rows changed since the last ANALYZE. */
  readonly modified: number;
  readonly dead: number;
  /** Rows added since the last VACUUM. */
  readonly inserted: number;
  readonly pages: number;
  readonly visiblePages: number;
  /** Pages that no later VACUUM needs to read; null before PostgreSQL 18, whose catalog does not say it. */
  readonly frozenPages: number | null;
  /** Age in transactions, as a share of the age at which the server forces a VACUUM. */
  readonly freezeAge: number;
  readonly analyzedAt: number | null;
  /** Last VACUUM that was not autovacuum. */
  readonly vacuumedAt: number | null;
  /** The session that works on the table now (autovacuum, an index build, ...); null where none does. */
  readonly busyWith: string | null;
  /** That session lets no other one read the table. */
  readonly isHeld: boolean;
};

export type VacuumAction = "analyze" | "vacuum" | "freeze" | "summarize";

/** One statement to run. It becomes worth while at a debt of 1. */
export type VacuumStep = {
  readonly table: string;
  readonly kind: TableState["kind"];
  readonly action: VacuumAction;
  readonly debt: number;
  readonly reason: string;
};

export type VacuumPlan = {
  /** The biggest debt first. */
  readonly steps: readonly VacuumStep[];
  /** Due, but another session works on the table now. */
  readonly busy: readonly (VacuumStep & { readonly busyWith: string })[];
  /** Due, and left out because only ANALYZE is wanted. */
  readonly postponed: readonly VacuumStep[];
};

export type VacuumRequest = {
  readonly now: number;
  readonly analyzeOnly: boolean;
  /** Whether a parent can be analysed without all its leaves: from PostgreSQL 18 on. */
  readonly canAnalyzeAlone: boolean;
};

type Debt = { readonly debt: number; readonly reason: string };

/** Half of what autovacuum waits for on an open leaf, so that in its absence the job comes before it. */
const CHANGED_SHARE = 0.01;
const CHANGED_ROWS = 50;
const INSERTED_ROWS = 1000;
/** A parent's statistics only serve joins and groups over many leaves, and before version 18 they cost all leaves'. */
const PARENT_SHARE = 0.1;
const PARENT_AGE_MS = 30 * DAY_MS;
/** At half of the forced age, so that the server never has to. */
const FREEZE_AGE = 0.5;
/** Without statistics every plan is a guess; a forced VACUUM comes at the worst time. Both go before all else. */
const URGENT = 100;

/** What to run now, on which of `tables`, in which order. */
export function planVacuum(tables: readonly TableState[], request: VacuumRequest): VacuumPlan {
  const due = tables
    .flatMap((table) => {
      const busyWith = table.busyWith ?? holderBelow(table, tables);
      return stepsOf(table, tables, request).map((step) => ({ ...step, busyWith }));
    })
    .toSorted((a, b) => b.debt - a.debt || (a.table < b.table ? -1 : Number(a.table > b.table)));
  const isVacuum = ({ action }: VacuumStep) => action === "vacuum" || action === "freeze";
  const wanted = due.filter((step) => !(request.analyzeOnly && isVacuum(step)));
  const plain = ({ busyWith: _, ...step }: (typeof due)[number]): VacuumStep => step;
  const steps = wanted.filter(({ busyWith }) => busyWith === null).map(plain);
  return {
    steps: request.canAnalyzeAlone ? steps : withoutCovered(steps, tables),
    busy: wanted.flatMap((step) => (step.busyWith === null ? [] : [{ ...step, busyWith: step.busyWith }])),
    postponed: request.analyzeOnly ? due.filter(isVacuum).map(plain) : [],
  };
}

/** ANALYZE of a parent reads all that is below it, and waits for who holds one. */
function holderBelow({ kind, table }: TableState, tables: readonly TableState[]): string | null {
  if (kind !== "parent") return null;
  const held = tables.find((other) => other.isHeld && ancestorsOf(other, tables).includes(table));
  return held?.busyWith ?? null;
}

function stepsOf(
  table: TableState,
  tables: readonly TableState[],
  request: VacuumRequest,
): readonly VacuumStep[] {
  const step = (action: VacuumAction, { debt, reason }: Debt): VacuumStep => ({
    table: table.table,
    kind: table.kind,
    action,
    debt,
    reason,
  });
  const sealed = table.span !== null && isSealed(table.span, request.now);
  const largest = (...debts: readonly Debt[]) => debts.toSorted((a, b) => b.debt - a.debt)[0];
  const analyze =
    table.kind === "parent"
      ? largest(...parentDebts(table, tables, request.now))
      : largest(...analyzeDebts(table, sealed));
  const vacuum = table.kind === "parent" ? undefined : largest(...vacuumDebts(table, sealed));
  const steps: VacuumStep[] = [];
  if (vacuum !== undefined && vacuum.debt >= 1) steps.push(step(sealed ? "freeze" : "vacuum", vacuum));
  // VACUUM (ANALYZE) does both
  if (analyze !== undefined && analyze.debt >= 1 && (request.analyzeOnly || steps.length === 0))
    steps.push(step("analyze", analyze));
  const runs = steps.some(({ action }) => action === "analyze" || !request.analyzeOnly);
  if (table.kind === "leaf" && (runs || (!sealed && table.pages > 0)))
    steps.push(step("summarize", { debt: 1, reason: sealed ? "sealed: its last ranges" : "open leaf" }));
  return steps;
}

function analyzeDebts(table: TableState, sealed: boolean): readonly Debt[] {
  const { rowsThen, rowsNow, modified, pages, analyzedAt, span } = table;
  const isEmpty = rowsNow === 0 && pages === 0;
  const changed = modified / (CHANGED_ROWS + CHANGED_SHARE * Math.max(0, rowsThen));
  const isLate = sealed && !isEmpty && (analyzedAt ?? 0) < (span?.to ?? 0);
  return [
    { debt: rowsThen < 0 && !isEmpty ? URGENT : 0, reason: "has no statistics" },
    { debt: changed, reason: `${modified} rows changed since the last ANALYZE` },
    { debt: isLate ? 1 : 0, reason: "sealed: its last statistics" },
  ];
}

function parentDebts(
  { table, rowsThen, analyzedAt }: TableState,
  tables: readonly TableState[],
  now: number,
): readonly Debt[] {
  const rows = tables
    .filter((other) => ancestorsOf(other, tables).includes(table))
    .reduce((sum, { rowsNow }) => sum + rowsNow, 0);
  const difference = Math.abs(rows - rowsThen);
  const age = analyzedAt === null || difference === 0 ? 0 : (now - analyzedAt) / PARENT_AGE_MS;
  if (rowsThen < 0) return [{ debt: rows > 0 ? URGENT : 0, reason: "parent without statistics" }];
  return [
    {
      debt: difference / (CHANGED_ROWS + PARENT_SHARE * rowsThen),
      reason: `${difference} rows more or less than at its last ANALYZE`,
    },
    { debt: age, reason: "statistics of the parent are old" },
  ];
}

function vacuumDebts(table: TableState, sealed: boolean): readonly Debt[] {
  const rows = Math.max(0, table.rowsThen);
  const unseen = table.pages === 0 ? 0 : 1 - table.visiblePages / table.pages;
  return [
    {
      debt: table.dead / (CHANGED_ROWS + CHANGED_SHARE * rows),
      reason: `${table.dead} dead rows`,
    },
    {
      debt: table.inserted / (INSERTED_ROWS + CHANGED_SHARE * rows),
      reason: `${table.inserted} rows added since the last VACUUM`,
    },
    {
      debt: table.freezeAge >= FREEZE_AGE ? URGENT * (1 + table.freezeAge) : 0,
      reason: `at ${Math.round(table.freezeAge * 100)} % of the age at which the server forces a VACUUM`,
    },
    { debt: sealed && !isFrozen(table) ? 1 + unseen : 0, reason: "sealed: to be frozen once" },
  ];
}

/**
 * Whether the one VACUUM (FREEZE) of a sealed leaf is behind it. Before version 18 the catalog has no count of frozen
 * pages: all visible, and vacuumed on request since it was sealed. Where that time was lost with the statistics the
 * second VACUUM reads nothing, since the visibility map knows what is frozen.
 */
function isFrozen(table: TableState): boolean {
  const { pages, visiblePages, frozenPages } = table;
  if (pages === 0) return true;
  if (frozenPages !== null && frozenPages >= pages) return true;
  if (!isVacuumedSinceSealed(table)) return false;
  if (frozenPages === null && visiblePages >= pages) return true;
  return isUntouchedSinceVacuum(table) && (frozenPages === null || frozenPages >= visiblePages);
}

function isVacuumedSinceSealed({ vacuumedAt, span }: TableState): boolean {
  return vacuumedAt !== null && span !== null && isSealed(span, vacuumedAt);
}

/**
 * Writers that extend a leaf together leave pages that no row filled, and VACUUM never marks those as visible: where
 * nothing was written since, no other VACUUM can do more. Unless an old transaction held it up, which the step shows by
 * a VACUUM after the ANALYZE.
 */
function isUntouchedSinceVacuum({ inserted, modified, dead, vacuumedAt, analyzedAt }: TableState): boolean {
  return inserted === 0 && modified === 0 && dead === 0 && (analyzedAt ?? 0) >= (vacuumedAt ?? 0);
}

/** Before version 18, ANALYZE of a parent is also one of all that is below it. */
function withoutCovered(steps: readonly VacuumStep[], tables: readonly TableState[]): readonly VacuumStep[] {
  const whole = new Set(
    steps.flatMap(({ action, kind, table }) => (action === "analyze" && kind === "parent" ? [table] : [])),
  );
  const byName = new Map(tables.map((table) => [table.table, table]));
  return steps.filter(({ action, table: name }) => {
    const table = byName.get(name);
    return (
      action !== "analyze" ||
      table === undefined ||
      !ancestorsOf(table, tables).some((above) => whole.has(above))
    );
  });
}

/** The tables that it is a part of, nearest first. */
function ancestorsOf({ parent }: TableState, tables: readonly TableState[]): readonly string[] {
  if (parent === null) return [];
  const above = tables.find(({ table }) => table === parent);
  return [parent, ...(above === undefined ? [] : ancestorsOf(above, tables))];
}
