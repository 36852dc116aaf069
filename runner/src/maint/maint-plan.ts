import { INTERVALS, type Interval } from "../contract/intervals.ts";
import { type AttachedLeaf, listMisaligned } from "../partition/attached.ts";
import { DESIRED, listLeavesAhead } from "../partition/desired.ts";
import { type Leaf, leafAt } from "../partition/layout.ts";
import { isSealed } from "../partition/sealed.ts";
import { listOverdue, listUnknown, type Quarantined, quote } from "./quarantine-plan.ts";

/** One statement of r3a_util.maint_index_plan, in its order. Names with their schema. */
export type IndexWork = {
  readonly attempts: number;
  readonly rank: number;
  readonly op: string;
  readonly table: string;
  readonly object: string;
  readonly sql: string;
  readonly isConcurrent: boolean;
  /** A session that builds on the table, or vacuums it; null where none does. */
  readonly builder: number | null;
};

/** What the database is like, as far as maint looks after it. */
export type Catalog = {
  readonly indexWork: readonly IndexWork[];
  readonly leaves: readonly AttachedLeaf[];
  /** Tables of the schema that are attached to nothing. */
  readonly standalone: readonly string[];
  /** Indexes, with schema, that a build has left INVALID, that no session builds any more, and that no plan of R3A has. */
  readonly strangers: readonly string[];
  /** Operations in vain since the last that worked, by object. */
  readonly attempts: ReadonlyMap<string, number>;
  /** What lies in the schema quarantine, and what r3a.quarantine says lies there. */
  readonly quarantine: readonly Quarantined[];
  /** Which parts of the ledgers have something to close or to delete. */
  readonly ledger: readonly LedgerOp[];
};

export type LedgerOp = "close-runs" | "delete-items" | "delete-runs" | "delete-ops";

/** One operation: a statement, or a few that belong into one transaction. */
export type Action = {
  readonly op: string;
  /** What it is about, with schema; what failed is counted by it. */
  readonly object: string;
  readonly attempts: number;
  readonly rank: number;
} & (
  | {
      readonly kind: "index";
      readonly sql: string;
      readonly table: string;
      readonly isConcurrent: boolean;
      readonly builder: number | null;
    }
  | { readonly kind: "table"; readonly sql: string }
  | { readonly kind: "quarantine"; readonly sql: string; readonly isThere: boolean }
  | { readonly kind: "leaf"; readonly leaf: Leaf }
  | { readonly kind: "ledger"; readonly op: LedgerOp }
);

export type MaintPlan = {
  readonly actions: readonly Action[];
  /** Tables where a leaf belongs: maint does not guess, a person must look. */
  readonly refused: readonly string[];
  /** A person should look at these; they hinder no work. */
  readonly notes: readonly string[];
};

/** Small is valuable. Those between 30 and 80 come from r3a_util.maint_index_plan. */
const RANK = { finishDetach: 10, createLeaf: 20, storage: 85, ledger: 90, quarantine: 95 } as const;

/**
 * All that is left to do, most valuable first. What failed before comes after all that did not, fewest failures first:
 * so nothing can starve behind it, however few operations a run may do.
 */
export function planMaint(catalog: Catalog, now: number): MaintPlan {
  const counted = <T extends { readonly object: string }>(action: T) => ({
    ...action,
    attempts: catalog.attempts.get(action.object) ?? 0,
  });
  const actions: readonly Action[] = [
    ...catalog.leaves
      .filter(({ isDetaching }) => isDetaching)
      .map(({ name, parent }) => {
        const object = `r3a.${quote(name)}`;
        const sql = `ALTER TABLE r3a.${quote(parent)} DETACH PARTITION ${object} FINALIZE`;
        return counted({ kind: "table" as const, op: "finish-detach", object, sql, rank: RANK.finishDetach });
      }),
    ...listMissing(catalog.leaves, now).map((leaf) => {
      const object = `r3a.${leaf.name}`;
      return counted({ kind: "leaf" as const, op: "create-leaf", object, leaf, rank: RANK.createLeaf });
    }),
    ...catalog.indexWork.map((work) => ({ kind: "index" as const, ...work })),
    ...catalog.leaves.flatMap((leaf) => {
      const missing = missingStorage(leaf, now);
      const object = `r3a.${quote(leaf.name)}`;
      const sql = `ALTER TABLE ${object} SET (${missing.join(", ")})`;
      const action = counted({ kind: "table" as const, op: "storage", object, sql, rank: RANK.storage });
      return missing.length === 0 ? [] : [action];
    }),
    ...catalog.ledger.map((op) => counted({ kind: "ledger" as const, op, object: op, rank: RANK.ledger })),
    ...listOverdue(catalog.quarantine, now).map((work) => counted({ ...work, rank: RANK.quarantine })),
  ];
  return {
    actions: actions.toSorted((a, b) => a.attempts - b.attempts || a.rank - b.rank),
    refused: listMisaligned(catalog.leaves),
    notes: [
      ...listForgotten(catalog, now),
      ...listUnknown(catalog.quarantine),
      ...catalog.strangers.map(
        (name) => `${name} is INVALID and no index of R3A, so nothing uses it: drop index ${name}`,
      ),
    ],
  };
}

/** Two of the same key are the same operation: a plan that still has it after it was done says that it was in vain. */
export function actionKey(action: Action): string {
  return `${action.op} ${action.object} ${"sql" in action ? action.sql : ""}`;
}

/** Wanted leaves whose period is free. One that is being detached still has it; the run after has the leaf attached. */
function listMissing(leaves: readonly AttachedLeaf[], now: number): Leaf[] {
  return listLeavesAhead(now).filter(
    (wanted) =>
      !leaves.some(
        ({ name, parent, span }) =>
          name === wanted.name ||
          (parent === wanted.parent &&
            span !== null &&
            span.from < wanted.span.to &&
            span.to > wanted.span.from),
      ),
  );
}

/** Beyond the leaves ahead only a person knows why a table is detached. */
function listForgotten({ standalone, leaves }: Catalog, now: number): string[] {
  const known = new Set([...listLeavesAhead(now), ...leaves].map(({ name }) => name));
  return standalone
    .filter((name) => !known.has(name) && intervalOfLeaf(name) !== null)
    .map(
      (name) =>
        `r3a.${name} is named like a leaf and attached to nothing: attach it, or move it out of the schema`,
    );
}

function intervalOfLeaf(name: string): Interval | null {
  const [, year = "", quarter = "", month = ""] = /_(\d{4})(?:_q([1-4])|_(\d\d))?$/.exec(name) ?? [];
  const start = Date.UTC(Number(year), quarter === "" ? Number(month || 1) - 1 : (Number(quarter) - 1) * 3);
  return INTERVALS.find((interval) => leafAt(interval, start).name === name) ?? null;
}

function missingStorage({ span, isDetaching, options }: AttachedLeaf, now: number): string[] {
  if (span === null || isDetaching || isSealed(span, now)) return [];
  const wanted = Object.entries(DESIRED.openStorage).map(([name, value]) => `${name}=${value}`);
  return wanted.filter((option) => !options.includes(option));
}
