import type { Span } from "../../candle/span.ts";
import type { Interval } from "../../contract/intervals.ts";
import type { OwnClient } from "../session.ts";

/** A leaf that a restore of the whole database has yet to load: its span, and the intervals whose candles it holds. */
export type PendingLeaf = {
  readonly name: string;
  readonly span: Span;
  readonly intervals: readonly Interval[];
};

/**
 * Logs what the leaves will bring as gaps that no run asks for, with the evidence IN_BACKUP: the slots that the series cover
 * and that no gap explains. In the caller's transaction, after r3a.series and r3a.ohlcv_gap_log were restored.
 */
export async function addPendingGaps(_client: OwnClient, _leaves: readonly PendingLeaf[]): Promise<void> {}

/**
 * Takes a leaf that was loaded, or that no backup has, out of these gaps; what is covered there and neither stored nor in
 * another gap becomes an open gap that is due at once. Call it as the last step of the leaf's own transaction (read
 * committed): it takes the locks of the series as syncs do, until the transaction ends. TryAgain where a sync holds one of
 * them for too long; then the transaction can only be rolled back.
 */
export async function shrinkPendingGaps(_client: OwnClient, _leaf: PendingLeaf): Promise<void> {}
