import type { LeafPart } from "./backup-leaf.ts";

/**
 * New rows of a part: rows that changed since the horizon, in slots that the ledger has no candle for. `hash`: their sum.
 * `nullRows`, `nullHash`: as in PartState, of these rows.
 */
export type NewRows = LeafPart & {
  readonly rows: number;
  readonly hash: bigint;
  readonly nullRows: number;
  readonly nullHash: bigint;
  readonly first: number;
  readonly last: number;
};

/** What is known of a row that changed since the horizon on a slot that the ledger has a candle for. Times in ms. */
export type ChangedRow = LeafPart & {
  readonly at: number;
  readonly hash: bigint;
  /** The backup of the horizon met the row in just this state: nothing changed. */
  readonly isKnown: boolean;
  /**
   * A revision since the horizon ends in the values of the row. `oldHash`: of the row before the first revision since the
   * horizon, made of its old values; null where they do not make a row.
   */
  readonly revision: { readonly oldHash: bigint | null } | null;
  /** The row lacks a value that the old layout did not have. */
  readonly hasNull: boolean;
  /** The hash of the key and of the values that every candle has: part of `nullHash` while the row has a null. */
  readonly valueHash: bigint;
};
