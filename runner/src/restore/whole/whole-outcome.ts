import { EXIT, type ExitCode } from "../../contract/exits.ts";
import type { Tier } from "../../contract/tiers.ts";
import type { Store } from "../../store/store.ts";
import type { Wish } from "../candidates-plan.ts";
import { exitOfNone, type Refused } from "../refusal.ts";
import type { LeafResult } from "./load-leaves.ts";
import type { LoadedTable } from "./load-tables.ts";

export type WholeRequest = {
  readonly stores: readonly Store[];
  readonly identity: string;
  readonly wish: Wish;
  readonly isPreview: boolean;
  /** Why the leaves that no backup can be restored from become open gaps; null: they wait. */
  readonly acceptLoss: string | null;
};

/** The manifest that the tables come from. `snapshotAt`: ISO UTC. */
export type WholeSource = { readonly tier: Tier; readonly manifest: string; readonly snapshotAt: string };

/**
 * `from` null: no backup can be restored from. `rows`: of the leaves that are restored. `hotMs`: until the database could be
 * used again; null: it cannot yet. `isOver`: nothing is left to be loaded; else the same command goes on.
 */
export type WholeOutcome = {
  readonly from: WholeSource | null;
  readonly isResumed: boolean;
  readonly isOver: boolean;
  readonly tables: readonly LoadedTable[];
  readonly leaves: readonly LeafResult[];
  readonly rows: number;
  readonly hotMs: number | null;
  readonly ms: number;
  readonly refused: readonly Refused[];
};

/** 1 where a loss was accepted; of what waits 75 where a tier that gave no answer may have each leaf, and else 3. */
export function exitOfLeaves(leaves: readonly LeafResult[]): ExitCode {
  const failed = leaves.filter(({ outcome }) => outcome === "failed");
  if (failed.length === 0) return EXIT.done;
  const waiting = failed.filter(({ isWaiting }) => isWaiting);
  if (waiting.length === 0) return EXIT.failed;
  return waiting.every(({ isAway }) => isAway) ? EXIT.tryAgain : EXIT.brake;
}

/** As of the leaves; 3 where no backup can be restored from, 78 where only a later release can, 75 where no tier gave an answer. */
export function exitOf({ from, leaves, refused }: WholeOutcome): ExitCode {
  return from === null ? exitOfNone(refused) : exitOfLeaves(leaves);
}
