import type { Context } from "../context.ts";
import type { Tier } from "../contract/tiers.ts";
import type { Database } from "../db/connect.ts";
import type { LockSession } from "../db/lock.ts";

/** What seal needs of its process. */
export type SealContext = Pick<Context, "runId" | "signal" | "log" | "terminal">;

/** Backups of single leaves, as the noun backup makes them (backup/leaf-run.ts). */
export type LeafBackups = {
  /** `open`: suspects of the leaf afterwards; `unbased`: parts that no object holds whole. */
  readonly backUp: (leaf: string) => Promise<{ readonly open: number; readonly unbased: number }>;
  /** The tiers that gave back all that restores the leaf, some of it before `since` (ms); and what is wrong in others. */
  readonly confirm: (
    leaf: string,
    since: number,
  ) => Promise<{ readonly tiers: readonly Tier[]; readonly faults: readonly string[] }>;
  /** Of tiers that gave no answer. */
  readonly faults: () => readonly string[];
};

/** What the work on a leaf needs. */
export type SealTools = {
  readonly context: SealContext;
  readonly db: Database;
  readonly locks: LockSession;
  readonly budgetBytes: number | null;
  readonly backups: LeafBackups;
};

/**
 * `left`: it cannot be sealed yet, and nobody must do anything. `refused`: a person must look first. `reopened`: somebody wrote
 * to it meanwhile. `busy`: others held it. The next run takes all of these up by itself.
 */
export type LeafOutcome = "sealed" | "left" | "refused" | "reopened" | "busy" | "failed";

/** `pages`: of the table before and after, null where it was not rewritten. `tiers`: those that gave back its objects. */
export type LeafEnd = {
  readonly outcome: LeafOutcome;
  readonly why: string | null;
  readonly rows: number;
  readonly isRewritten: boolean;
  readonly pages: { readonly before: number; readonly after: number } | null;
  readonly tiers: readonly Tier[];
};

/** With one tier, a lost disk takes the only copy of what the leaf was when it was sealed. */
export const LEAST_TIERS = 2;

/** Whether the leaf is sealed now, or why not. */
export type Sealing =
  | { readonly isDone: true; readonly pages: LeafEnd["pages"] }
  | { readonly isDone: false; readonly outcome: LeafOutcome; readonly why: string };

export const REOPENED: Sealing = {
  ...{ isDone: false, outcome: "reopened" },
  why: "somebody wrote to it meanwhile; the next run takes it up",
};

export function endOf(outcome: LeafOutcome, why: string | null): LeafEnd {
  return { outcome, why, rows: 0, isRewritten: false, pages: null, tiers: [] };
}
