import { EXIT, type ExitCode } from "../../contract/exits.ts";
import type { Tier } from "../../contract/tiers.ts";
import type { Store } from "../../store/store.ts";
import type { Wish } from "../candidates-plan.ts";
import type { Refused } from "../refusal.ts";
import type { DamagedLeaf } from "./mend-plan.ts";

/** `leaf` null: every leaf that is damaged. `acceptLoss`, `beyond`: why, as a person said; null: nobody did. */
export type MendRequest = {
  readonly stores: readonly Store[];
  readonly identity: string;
  readonly wish: Wish;
  readonly leaf: string | null;
  readonly isPreview: boolean;
  readonly acceptLoss: string | null;
  readonly beyond: string | null;
  /** How large the database may become, in bytes; null: nobody said. */
  readonly budgetBytes: number | null;
};

/** What follows the swap of a leaf. `isOk` null: it could not be done now, and a later run does it; `text` says why. */
export type After = {
  readonly step: "sync" | "verify" | "scrub";
  readonly isOk: boolean | null;
  readonly text: string;
};

/** Rows by their origin: newest revisions, and rows of the old table that no backup has; `gaps`: candles that became open gaps. */
export type Added = { readonly revised: number; readonly salvaged: number; readonly gaps: number };

/**
 * What became of a leaf. mended: the restored table is the live one. prepared: it is built and checked, and a brake or the
 * hold keeps it away; `why` says so. left: nothing was done. failed: no backup of it can be restored from. busy: others hold
 * it, or changed it meanwhile. planned: a plan.
 */
export type MendedLeaf = {
  readonly name: string;
  readonly findings: DamagedLeaf["findings"];
  readonly outcome: "planned" | "mended" | "prepared" | "left" | "failed" | "busy";
  readonly why: string | null;
  readonly from: { readonly tier: Tier; readonly manifest: string; readonly snapshotAt: string } | null;
  readonly rows: number;
  readonly added: Added | null;
  /** A tier that gave no answer may have it. */
  readonly isAway: boolean;
  readonly after: readonly After[];
  readonly ms: number;
};

/** `hold`: why nothing may be swapped; null: it may. `isDiskKnown`: there was a limit to hold the size against. */
export type MendOutcome = {
  readonly leaves: readonly MendedLeaf[];
  readonly hold: string | null;
  readonly isDiskKnown: boolean;
  readonly refused: readonly Refused[];
  readonly ms: number;
};

/** 3 where a brake, the hold or the lack of a backup asks for a person; then 75 where a later run helps; then 1. */
export function exitOf({ leaves }: Pick<MendOutcome, "leaves">): ExitCode {
  const codes = leaves.map(exitOfLeaf);
  const order: readonly ExitCode[] = [EXIT.brake, EXIT.tryAgain, EXIT.failed];
  return order.find((code) => codes.includes(code)) ?? EXIT.done;
}

function exitOfLeaf({ outcome, after, from, isAway, why }: MendedLeaf): ExitCode {
  if (outcome === "planned") return why === null ? EXIT.done : EXIT.brake;
  if (outcome === "prepared" || outcome === "left") return EXIT.brake;
  if (outcome === "busy") return EXIT.tryAgain;
  if (outcome === "failed") return isAway ? EXIT.tryAgain : EXIT.brake;
  // a person accepted that no backup has it
  if (from === null || after.some(({ isOk }) => isOk === false)) return EXIT.failed;
  return after.some(({ isOk }) => isOk === null) ? EXIT.tryAgain : EXIT.done;
}

/** Why the exit code is not 0, for the ledger; empty where it is. */
export function reasonOf({ leaves }: Pick<MendOutcome, "leaves">): string {
  return leaves
    .flatMap((leaf) => {
      if (exitOfLeaf(leaf) === EXIT.done) return [];
      const after = leaf.after
        .filter(({ isOk }) => isOk !== true)
        .map(({ step, text }) => `${step}: ${text}`);
      return [
        [`${leaf.name} ${leaf.outcome}`, ...(leaf.why === null ? [] : [leaf.why]), ...after].join("; "),
      ];
    })
    .join(". ");
}
