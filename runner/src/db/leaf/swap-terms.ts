import type { BackupLeaf } from "../backup/backup-leaf.ts";
import type { OwnClient } from "../session.ts";
import type { TakenLeaf } from "./guard.ts";

/** `token` and `oid`: what takeLeaf gave. */
export type SwapOptions = TakenLeaf & {
  readonly leaf: BackupLeaf;
  /** The state that takeLeaf wrote: where the leaf has another one, somebody wrote to it or took it, and nothing is swapped. */
  readonly state: "sealing" | "restoring";
  /** Whether the new table refuses strangers. */
  readonly guard: boolean;
  /** What r3a.quarantine says about the old table; cut after 500 characters. */
  readonly why: string;
  /** The same as when the leaf was taken. */
  readonly runId: string | null;
  /** How long other sessions may hold the leaf before Busy is thrown, in ms. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
  /**
   * The last changes to the scratch table and to other rows, in the transaction of the swap, once for each attempt. Writers of
   * the leaf wait meanwhile: some 50 ms are the limit.
   */
  prepare(client: OwnClient): Promise<void>;
  /** The state of the leaf and what follows from the swap, in its transaction. Readers wait meanwhile: a few rows at most. */
  finish(client: OwnClient): Promise<void>;
};

/**
 * `table`: the old one in the schema quarantine; null where there was none. `heldMs`: how long the swap kept readers out, from
 * the first lock that it asked for to the commit.
 */
export type SwapOutcome =
  | {
      readonly outcome: "swapped";
      readonly table: string | null;
      readonly attempts: number;
      readonly heldMs: number;
    }
  | { readonly outcome: "changed" | "held"; readonly why: string };
